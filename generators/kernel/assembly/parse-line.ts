// The parsed line: where its fields lie, filled by the parsers of the formats, read by the router and the tuple writer.

/** Reasons for a reject: indices in `rejectReasons` of generators/record.ts. */
export const OK: i32 = -1
export const EMPTY: i32 = 0
export const TOO_LONG: i32 = 1
export const NUL_BYTE: i32 = 2
export const INVALID_UTF8: i32 = 3
export const BAD_ADDRESS: i32 = 4
export const BAD_DATE: i32 = 5
export const BAD_STATUS: i32 = 6
export const BAD_SIZE: i32 = 7
export const MALFORMED: i32 = 8

/** A length that says NULL. */
export const NULL: i32 = -1

/** Longest line that can be a record (`maxLineBytes` of generators/record.ts). */
export const MAX_LINE: usize = 65536

/** Texts are an address and a length in bytes; they stay where the line or the JSON decoder has put them. */
@unmanaged
export class Line {
  /** Microseconds since 2000-01-01 UTC. */
  created!: i64
  /** -1 when NULL. */
  size!: i64
  /** Months since 1970-01, UTC. */
  month!: i32
  status!: i32
  user!: usize
  userLength!: i32
  method!: usize
  methodLength!: i32
  path!: usize
  pathLength!: i32
  protocol!: usize
  protocolLength!: i32
  referrer!: usize
  referrerLength!: i32
  agent!: usize
  agentLength!: i32
  /** Whether the line last scanned holds a byte above 0x7f, or a NUL. */
  high!: bool
  nul!: bool
}

export const line = changetype<Line>(memory.data(128, 16))

/**
 * The address as Postgres keeps an inet: family (2 or 3), prefix bits (32 or 128), then 4 or 16 bytes.
 * Both the hash and the tuple read it from here.
 */
export const inet: usize = memory.data(48, 16)
