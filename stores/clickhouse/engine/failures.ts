/** Failures as ClickHouse's HTTP interface tells them: a text with a code, and the status that goes with it. */

/** A failure of this server's own, with one of ClickHouse's codes. */
export class Failure extends Error {
  constructor(
    readonly code: number,
    readonly type: string,
    message: string,
  ) {
    super(`Code: ${code}. DB::Exception: ${message} (${type})`)
    this.name = 'Failure'
  }
}

export const failures = {
  authentication: (user: string) =>
    new Failure(516, 'AUTHENTICATION_FAILED', `${user}: Authentication failed: password is incorrect, or there is no user with such name.`),
  several: () => new Failure(62, 'SYNTAX_ERROR', 'Syntax error (Multi-statements are not allowed).'),
  asynchronous: () =>
    new Failure(
      48,
      'NOT_IMPLEMENTED',
      'The embedded engine has no asynchronous inserts: leave async_insert off, or use a ClickHouse server.',
    ),
  input: () =>
    new Failure(48, 'NOT_IMPLEMENTED', 'The embedded engine cannot insert from input(): INSERT ... FORMAT, or use a ClickHouse server.'),
  encoding: (encoding: string) =>
    new Failure(1, 'UNSUPPORTED_METHOD', `Unknown or unsupported compression method of the request: ${encoding}.`),
  tooLarge: (limit: number) =>
    new Failure(
      307,
      'TOO_MANY_BYTES',
      `The statement is longer than ${limit} bytes: give an insert's statement as the parameter query, and its data as the body.`,
    ),
  empty: () => new Failure(62, 'SYNTAX_ERROR', 'Syntax error: failed at position 1 (end of query): Empty query.'),
  sessionLocked: (id: string) => new Failure(373, 'SESSION_IS_LOCKED', `Session ${id} is locked by a concurrent client.`),
  brokenOff: () => new Failure(210, 'NETWORK_ERROR', 'The request ended in the middle of its data: nothing of it was inserted.'),
  unread: () => new Failure(49, 'LOGICAL_ERROR', 'The insert ended without having read its data.'),
  unknownSetting: (name: string) =>
    new Failure(
      115,
      'UNKNOWN_SETTING',
      `Setting ${name} is neither a builtin setting nor started with the prefix 'SQL_' registered for user-defined settings.`,
    ),
  stopping: () => new Failure(236, 'ABORTED', 'The embedded engine is being stopped.'),
}

const badRequest = new Set([
  6, 25, 26, 27, 28, 31, 32, 33, 36, 38, 41, 42, 43, 53, 62, 69, 70, 72, 117, 130, 131, 135, 157, 158, 320, 321, 349, 361, 427, 441, 457,
  467, 675,
])
const unknown = new Set([46, 47, 50, 56, 60, 63, 73, 81, 115, 141, 336, 386])

/** The status that ClickHouse's HTTP interface gives for a code. */
export function statusOf(code: number): number {
  if (code === 194) return 401
  if (code === 192 || code === 193 || code === 516 || code === 497) return 403
  if (code === 48) return 501
  if (code === 159) return 408
  if (code === 307) return 413
  if (unknown.has(code)) return 404
  return badRequest.has(code) ? 400 : 500
}

export interface Told {
  readonly status: number
  readonly code: number
  readonly text: string
}

/** The engine that fails: its version, which ClickHouse appends to its messages, and the folder that it keeps its files in. */
export interface Teller {
  readonly version: string
  readonly folder: string
}

export function tell(error: unknown, { version, folder }: Teller): Told {
  const message = (error instanceof Error ? error.message : String(error)).trim()
  const code = Number(/Code: (\d+)/.exec(message)?.[1] ?? 1002)
  // An error that the engine's own client met carries the engine's words twice.
  const whole = /^Code: \d+\. DB::Exception: (Code: \d+\. DB::Exception: [\s\S]*?\([A-Z0-9_]+\)) \(version [\d.]+\)\. \([A-Z0-9_]+\)$/.exec(
    message,
  )
  const said = whole?.[1] ?? message
  const coded = /^Code: \d+/.test(said) ? said : `Code: ${code}. DB::Exception: ${said} (UNKNOWN_EXCEPTION)`
  const text = isDiskFull(code, said)
    ? coded.replace(/\.?(?= \([A-Z0-9_]+\)$)/, ` on the disk that holds ${folder}: choose a folder on another with --data or TMPDIR`)
    : coded
  return { status: statusOf(code), code, text: `${text} (version ${version} (embedded build))\n` }
}

function isDiskFull(code: number, said: string): boolean {
  return code === 243 || /No space left on device/.test(said)
}
