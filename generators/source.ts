/** Where lines come from: a generated stream or a file, behind one contract that any process can open again from plain data. */
import type { Buffers } from './buffer-pool.js'
import type { Format, PartitionKey } from './record.js'

/** A source as plain data: enough to make the very same lines again in another thread, process or year. */
export type SourceSpec = StreamSpec | FileSpec

/** A generated stream: a pure function of this and a position. */
export interface StreamSpec {
  readonly kind: 'stream'
  /** Number of the source; part of every record's identity. */
  readonly source: number
  readonly profile: string
  /** Unsigned 64 bits, in decimal: JSON has no such integer. */
  readonly seed: string
  readonly format: Format
  /** Time of record 0, milliseconds since the epoch, a whole second. */
  readonly startMs: number
  /** Mean number of records a day; with `startMs` it decides which record falls into which month. */
  readonly recordsPerDay: number
  /** Records that carry the time of an earlier month than their position's: some hours before the month began, or weeks. */
  readonly late?: { /** Of all records, 0 to 1. */ readonly share: number }
  /** Records that carry one and the same value of a column: one client's address, one account, one page. */
  readonly hot?: HotValue
}

export interface HotValue {
  readonly key: HotKey
  /** Of all records, 0 to 1: what falls to the value besides its natural occurrences. */
  readonly share: number
}

/** Columns that one value can dominate: an identity occurs once. */
export type HotKey = Exclude<PartitionKey, 'id'>

/** A real log, plain or gzip, read in order; its records are its lines, numbered from 0. */
export interface FileSpec {
  readonly kind: 'file'
  readonly source: number
  readonly path: string
  readonly format: Format
}

/** Whole lines, each ended by a newline. `lines` belongs to the caller: it lies in a buffer of its own, which may be longer. */
export interface Lines {
  readonly lines: Uint8Array
  readonly count: number
}

/** Reads on from one position. Not shared: each reader opens its own. */
export interface Cursor {
  /** Position of the next record. */
  readonly position: number
  /** At most `maxRecords` further lines (fewer only at a buffer's or the source's end), or undefined at the end of a file. */
  next(maxRecords: number): Promise<Lines | undefined> | Lines | undefined
  close(): Promise<void>
}

export interface Source {
  readonly spec: SourceSpec
  /** Number of records, or undefined for an endless stream. A file is counted when first asked for. */
  length(): Promise<number | undefined>
  /** Mean bytes of a line, newline included: measured on the source itself. */
  meanLineBytes(): Promise<number>
  /** UTC months that records first .. first+count touch, as 'YYYY-MM', when that can be known without reading them. */
  months(first: number, count: number): readonly string[] | undefined
  /** @param buffers where the lines are put; absent: fresh memory for each call of `next` */
  open(first: number, buffers?: Buffers): Promise<Cursor>
}
