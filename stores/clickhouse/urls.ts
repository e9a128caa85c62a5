/** URLs of ClickHouse: what the client reads of them, and the settings that they ask for. */

/** Beginnings of URLs that lead to a ClickHouse server; the last two are http and https by another name. */
export const schemes = ['http:', 'https:', 'clickhouse:', 'clickhouses:'] as const

/** As @clickhouse/client reads it. */
export function httpUrl(url: string): string {
  return url.replace(/^clickhouse(s?):/i, 'http$1:')
}

/** The settings that a URL asks for, `?clickhouse_setting_NAME=VALUE` or `?ch_NAME=VALUE`. */
export function settingsIn(url: string): Readonly<Record<string, string>> {
  const query = URL.canParse(httpUrl(url)) ? new URL(httpUrl(url)).searchParams : new URLSearchParams()
  const settings: Record<string, string> = {}
  for (const [key, value] of query) {
    const name = /^(?:clickhouse_setting_|ch_)(.+)$/.exec(key)?.[1]
    if (name !== undefined) settings[name] = value
  }
  return settings
}
