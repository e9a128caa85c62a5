/** The parameters of a request's URL: which are settings, which are values for the statement, which concern HTTP alone. */
import { failures } from './failures.js'
import { quote } from './statement.js'

/** What HTTP alone uses, or what has no meaning for an engine with one user. */
const ofHttp = new Set([
  'query',
  'query_id',
  'database',
  'user',
  'password',
  'quota_key',
  'role',
  'default_format',
  'session_id',
  'session_timeout',
  'session_check',
  'compress',
  'decompress',
  'stacktrace',
  'buffer_size',
  'wait_end_of_query',
  'enable_http_compression',
  'http_zlib_compression_level',
  'send_progress_in_http_headers',
  'http_headers_progress_interval_ms',
  'cancel_http_readonly_queries_on_client_close',
  'http_native_compression_disable_checksumming_on_decompress',
  'http_make_head_request',
  'client_protocol_version',
])

export interface Parameters {
  readonly settings: ReadonlyMap<string, string>
  /** Values of {name:Type} in the statement. */
  readonly values: ReadonlyMap<string, string>
}

/** @throws Failure for what the engine would silently ignore */
export function parametersOf(search: URLSearchParams): Parameters {
  const settings = new Map<string, string>()
  const values = new Map<string, string>()
  for (const [name, value] of search) {
    if (name.startsWith('param_')) values.set(name, value)
    else if (!ofHttp.has(name)) settings.set(name, value)
  }
  if (isOn(settings.get('async_insert'))) throw failures.asynchronous()
  // Off is what they are.
  settings.delete('async_insert')
  settings.delete('wait_for_async_insert')
  return { settings, values }
}

export function isOn(value: string | undefined): boolean {
  return value !== undefined && !['0', 'false', "'0'", "'false'", ''].includes(value.toLowerCase())
}

/** The statement that makes a session as the parameters say; undefined: nothing is to be done. */
export function setting({ settings, values }: Parameters): string | undefined {
  const assignments = [...settings, ...values].map(([name, value]) => `${word(name)} = ${quote(value)}`)
  return assignments.length === 0 ? undefined : `SET ${assignments.join(', ')}`
}

/** The statement that takes the settings back. Values need not be: a statement that uses one is given one. */
export function resetting({ settings }: Parameters): string | undefined {
  return settings.size === 0 ? undefined : `SET ${[...settings.keys()].map((name) => `${word(name)} = DEFAULT`).join(', ')}`
}

/** Names cannot be quoted here, so nothing but a name may pass. */
function word(name: string): string {
  if (!/^[A-Za-z_][A-Za-z0-9_.]*$/.test(name)) throw failures.unknownSetting(name)
  return name
}
