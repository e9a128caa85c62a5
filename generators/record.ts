/** What a record is, how it is identified, and the formats that its line can take. */

/** Records first .. first+count of one source: their identity, and all that a settlement needs to say. */
export interface Range {
  readonly source: number
  readonly first: number
  readonly count: number
}

/** Lines that a producer ships at once: exactly `count` of them, each ended by a newline, in a buffer of their own (which may be longer) that the receiver may keep or transfer. */
export interface Chunk extends Range {
  readonly lines: Uint8Array
}

/** Layouts of a line: `combined` and `common` as Apache and nginx write them, `json` as nginx writes it with escape=json. */
export const formats = ['combined', 'common', 'json'] as const
export type Format = (typeof formats)[number]

/**
 * Why a line is not a record. The kernel reports the index in this list, so the order is part of its interface:
 * only append.
 */
export const rejectReasons = [
  'empty line',
  'line too long',
  'NUL byte',
  'invalid UTF-8',
  'bad address',
  'bad date',
  'bad status',
  'bad size',
  'truncated or malformed line',
] as const
export type RejectReason = (typeof rejectReasons)[number]

/** The longest line, newline excluded, that can be a record; the header limits of nginx and Apache keep real ones below it. */
export const maxLineBytes = 65_536

/** How many bytes of a rejected line are kept. */
export const keptLineBytes = 1_048_576

/**
 * The column whose hash splits a month: the identity is never skewed, the others may be. The kernel knows a key by its
 * index: only append.
 */
export const partitionKeys = ['id', 'address', 'user', 'path'] as const
export type PartitionKey = (typeof partitionKeys)[number]
