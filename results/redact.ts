/** Keeps credentials out of results, messages and tables. */

const hidden = '***'

/** scheme://user:password@host. The password runs to the last @ of the word: one that was not percent-encoded may hold any sign. */
const inUrl = /([a-z][a-z0-9+.-]*:\/\/[^\s:/?#@]*):\S*@/gi
/** ?password=..., PGPASSWORD=..., password: ..., as in queries, connection strings and environments. */
const named = /([a-z_]*(?:password|passwd|pwd|secret|token|api_?key)\s*(?:=|(?<=d)\s*:\s))\s*('[^']*'|"[^"]*"|[^\s&,;]+)/gi
/** Signs of a secret that is looked for in a text without spaces. */
const leastInWord = 8
const secretName = /password|passwd|pwd|secret|token|api_?key/i

/**
 * The text without passwords: those of URLs (user, host and database stay), of parameters called password, secret, token
 * and the like, and the given secrets where they stand as words; in a text of one word, only those of eight signs and more.
 */
export function redact(text: string, secrets: readonly string[] = []): string {
  let clean = text
  for (const secret of secrets) {
    // A word of Weir's own (a verdict, a hash, a name) that happens to contain a short password stays what it is.
    if (secret === '' || (secret.length < leastInWord && !/\s/.test(text))) continue
    clean = clean.replaceAll(new RegExp(`(?<![A-Za-z0-9])${secret.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')}(?![A-Za-z0-9])`, 'g'), hidden)
  }
  return clean.replace(inUrl, `$1:${hidden}@`).replace(named, `$1${hidden}`)
}

/** Plain data with every string redacted, and with what is kept under a name like `password` hidden whole. */
export function redactDeep<T>(value: T, secrets: readonly string[] = []): T {
  return walk(value, secrets) as T
}

function walk(value: unknown, secrets: readonly string[]): unknown {
  if (typeof value === 'string') return redact(value, secrets)
  if (Array.isArray(value)) return value.map((item) => walk(item, secrets))
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [
      key,
      secretName.test(key) && typeof member === 'string' && member !== '' ? hidden : walk(member, secrets),
    ]),
  )
}

/**
 * The secrets of a URL as they may turn up in messages: the password as it was written and decoded; none when the text
 * is no URL or has no password, or when that is what the URL shows anyway: scheme, user, host or database. To hide
 * `postgres` everywhere because of postgres://postgres:postgres@... would hide no secret, but which store it was.
 */
export function secretsOf(url: string): readonly string[] {
  const [, scheme, user, password, rest] = /^([a-z][a-z0-9+.-]*):\/\/([^\s:/?#@]*):(\S*)@(.*)$/i.exec(url) ?? []
  if (!password) return []
  const shown = [scheme, user, ...(rest ?? '').split(/[^A-Za-z0-9_-]+/)]
  return [...new Set([password, decoded(password)])].filter((secret) => !shown.includes(secret))
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
