/** Connection URLs: told apart from names, and printed without their password. */

/** True for a text that is a URL and not the name of a store. */
export function isUrl(text: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(text)
}

/** The URL with its password replaced by ***: what may be printed. It may be no valid URL: rather too much is hidden than too little. */
export function redactUrl(url: string): string {
  return url.replace(/^([a-z][a-z0-9+.-]*:\/\/[^:@]*):[\s\S]*@/i, '$1:***@').replace(/([?&][^=&]*password=)[^&]*/gi, '$1***')
}
