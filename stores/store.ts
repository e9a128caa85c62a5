/** The contract of a store: where an image ends, how it is written, and how it is read back for the audit. */
import type { Chunk, Format, PartitionKey, Range } from '../generators/record.js'
import type { Analytics } from './analytics.js'

/** The last word on a range of records, or a step on the way to it (`accepted`, `durable`). */
export type Fate = 'accepted' | 'durable' | 'stored' | 'rejected' | 'excluded' | 'refused' | 'failed'

/** Plain data, so that it crosses threads, processes and hosts unchanged. */
export interface Settlement extends Range {
  readonly fate: Fate
  readonly reason?: string
}

/** What a target leaves behind. The target declares it, the store compiles it, the audit reconciles it. */
export type Image =
  | { readonly kind: 'rows' /** Which records are kept: all of them, or the login events. */; readonly keeps: 'all' | 'logins' }
  | { readonly kind: 'counters'; readonly key: 'path' | 'user' | 'address' }
  | { readonly kind: 'files'; readonly encoding: 'csv' | 'parquet' }
  | { readonly kind: 'replies' }

export { type PartitionKey, partitionKeys } from '../generators/record.js'

export type Durability = 'none' | 'process' | 'power'

/** How the rows of a run lie in the store. */
export interface Layout {
  readonly partitionKey: PartitionKey
  /** Hash partitions of each month. */
  readonly partitions: number
}

/** Everything that another thread, process or host needs to open the same store and the same run's tables. */
export interface StoreAddress {
  /** Name in the registry: 'postgres', 'null', ... */
  readonly store: string
  /** Connection URL with credentials; '' for null. Never printed: see `redactUrl`. */
  readonly url: string
  /** The run's own schema or database, 'weir_...'. */
  readonly schema: string
  readonly layout: Layout
  readonly format: Format
}

/**
 * A server that a run can use: embedded and started by Weir, or given by URL.
 * One server serves many runs; every run has an address (a schema) of its own.
 */
export interface StoreServer {
  readonly store: string
  readonly embedded: boolean
  readonly url: string
  /** How rows will lie here when this layout is asked for: a store that has no hash partitions has one for each month. */
  layoutOf(asked: Layout): Layout
  /** What the live settings promise, probed. */
  durability(): Promise<Durability>
  /** Version, settings, what fsync costs, table sizes: measured from the live server. */
  facts(): Promise<StoreFacts>
  /**
   * Waits until deferred work (checkpoint, merges) of earlier runs is done, so that nobody pays for a neighbour. Returns for
   * how long nothing had been seen any more when it returned, milliseconds: what it took to be sure.
   */
  settle(): Promise<number>
  /** Ids of the server's own processes, when it runs on this machine and they are known. */
  processes(): Promise<readonly number[]>
  /** The folder on this machine that holds the data, for finding the disk under it; null when it is elsewhere or not known. */
  dataFolder(): Promise<string | null>
  /** Runs that lie here: what `weir clean` lists and `weir verify` audits. */
  runs(): Promise<readonly StoredRun[]>
  drop(schema: string): Promise<void>
  /** Stops an embedded server and removes its files unless told to keep them; disconnects from a given one. Idempotent. */
  close(): Promise<void>
}

export interface StoredRun {
  readonly schema: string
  readonly createdAt: string
  /** As written by `Store.remember`; undefined when the run never got that far. */
  readonly memory: RunMemory | undefined
  readonly bytes: number
}

/** What a later audit has to know about a run; kept in the run's own schema. Plain JSON. */
export type RunMemory = Readonly<Record<string, unknown>>

export interface StoreFacts {
  readonly version: string
  readonly durability: Durability
  /** Names and values as the server gives them. */
  readonly settings: Readonly<Record<string, string>>
  /** Median of a few small synchronous writes on the store's disk, milliseconds; null when it could not be measured. */
  readonly fsyncMs: number | null
  readonly tables: readonly { readonly name: string; readonly rows: number; readonly bytes: number }[]
  /** What this server cannot do that others of its kind can, a sentence each. */
  readonly limits?: readonly string[]
}

/**
 * What not every store can do: `claims` (instances take logfiles without locks), `retry` (a batch in doubt is written again
 * and stored once), `analytics` (answers questions with parameters).
 */
export type Capability = 'claims' | 'retry' | 'analytics'

/** Deferred work on a run's tables: what a store still has to do, or has done, for rows that it has acknowledged. */
export interface Upkeep {
  /** Nothing is under way and nothing is due. */
  readonly settled: boolean
  /** Counts so far, by name: parts, merges, mergedRows, mergedBytes, mergeMs (ClickHouse); vacuums, analyzes (Postgres). */
  readonly figures: Readonly<Record<string, number>>
}

/**
 * What a connection that writes a run's rows may be doing: waiting for its client (the target), using the CPU, waiting for a
 * disk (reads, writes, fsync, and others' fsync of the log), waiting for a lock, waiting for anything else.
 */
export const waitKinds = ['client', 'cpu', 'disk', 'lock', 'other'] as const
export type WaitKind = (typeof waitKinds)[number]

/** What the connections that write a run's rows did while its blocks were measured. */
export interface WaitReport {
  /** Shares of their time, 0..1, by the store's own names; where a store counts rather than looks, they need not add up to 1. */
  readonly events: Readonly<Record<string, number>>
  /** The same by kind; null where the store does not tell. */
  readonly kinds: Readonly<Record<WaitKind, number | null>>
  /** How often they were looked at; 0 for a store that counts. */
  readonly looks: number
  /** Connections seen at a time, the mean. */
  readonly connections: number
  /** Of the store's own accounts, by name: fsyncs, fsyncMs, ... */
  readonly figures: Readonly<Record<string, number>>
  /** What could not be told, a sentence each. */
  readonly unknown: readonly string[]
}

/** The time that was measured. */
export interface Measured {
  readonly elapsedMs: number
  /** Connections that wrote. */
  readonly connections: number
}

/** Watches what the connections of a run's writers wait for, over a connection of its own and out of their way. */
export interface WaitWatch {
  /** A block is about to begin. */
  begin(): Promise<void>
  /** It has ended. */
  end(measured: Measured): Promise<void>
  /** What was seen in all blocks; undefined when nothing was. */
  report(): WaitReport | undefined
  close(): Promise<void>
}

/** One run's tables on a server. Opened from an address by whatever thread or process needs it. */
export interface Store {
  readonly address: StoreAddress
  /** Creates schema, tables and the partitions of these months ('YYYY-MM'). Months that turn up later are added by the writers. */
  prepare(image: Image, months: readonly string[]): Promise<void>
  /** Bulk path: parses, routes and writes whole batches. Each writer has a connection and a kernel of its own. */
  writer(options?: WriterOptions): Promise<Writer>
  /** Batches that one writer can have in hand: one being encoded, the others on their way into the store. */
  readonly batchesAtOnce: number
  /** Row path: one statement and one commit for each record. */
  inserter(): Promise<Inserter>
  /** Spooled logfiles that instances claim by optimistic locking; undefined where a store has no honest mechanism. */
  readonly logfiles: Logfiles | undefined
  /** What lies in the store, for the audit; undefined where nothing can be read back. */
  readonly scanner: Scanner | undefined
  /** What this store cannot do, each with the sentence that says why; found out from the live server. */
  readonly lacks: Readonly<Partial<Record<Capability, string>>>
  /** Answers to the named questions, over connections of their own; undefined where nothing can be asked. */
  analytics(): Promise<Analytics> | undefined
  /** Whether a query sees this record now, asked over a connection apart from the writers'. */
  seen(source: number, position: number): Promise<boolean>
  /** Drops a month's partitions with all rows in them, beside running writers; returns what went. A month that is not there is fine. */
  dropMonth(month: string): Promise<DroppedMonth>
  /** Deferred work on this run's tables. */
  upkeep(): Promise<Upkeep>
  /** What the connections of this run's writers wait for; undefined where there is nobody to ask. */
  waits(): WaitWatch | undefined
  /** The kept rejected lines, one by one: for export, not for speed. */
  rejected(): AsyncIterable<{
    readonly source: number
    readonly position: number
    readonly reason: string
    readonly length: number
    readonly line: Uint8Array
  }>
  remember(memory: RunMemory): Promise<void>
  facts(): Promise<StoreFacts>
  /** Rows and bytes of each partition. */
  partitions(): Promise<readonly { readonly name: string; readonly rows: number; readonly bytes: number }[]>
  drop(): Promise<void>
  close(): Promise<void>
}

/** What went with a month. */
export interface DroppedMonth {
  readonly rows: number
  /** Sum of the rows' positions, modulo 2^64, in digits: which rows there were, as far as a number can say. Absent: not known. */
  readonly positions?: string
  readonly bytes: number
  /** How long each step took, milliseconds, by the store's own names; absent where there is but one. */
  readonly stepsMs?: Readonly<Record<string, number>>
}

export interface WriterOptions {
  /** Number of this writer among its siblings: writers start at different partitions so that they meet less. */
  readonly index?: number
  /** Largest number of batches that may be encoded ahead of the one being written (default 1). */
  readonly ahead?: number
}

/** What became of a batch: ranges with the fates 'stored' and 'rejected', in order, covering exactly what was written. */
export type Receipt = readonly Settlement[]

export interface Writer {
  /**
   * Writes chunks in one transaction, rejected lines (with source, position and reason) included, and resolves once it
   * has committed. Calls may overlap, as many as `Store.batchesAtOnce`: the next batch is encoded while this one is
   * written. Batches reach the store in the order of the calls; which of them commits first is the store's business. The
   * chunks' buffers are free again once the returned promise settles.
   * `claim`, when given, is settled in the same transaction: if the claim was lost meanwhile, everything is rolled back
   * and it throws `ClaimLostError`.
   */
  write(batch: readonly Chunk[], claim?: Claim): Promise<Receipt>
  /** Bytes copied in user space so far, and records written, for the copies-per-record figure. */
  copied(): { readonly bytes: number; readonly records: number }
  close(): Promise<void>
}

/** A parsed record, for stores' row path: `null` where the log has '-'. */
export interface Row {
  readonly source: number
  readonly position: number
  /** ISO 8601 with offset, or as the log wrote it where the store parses that. */
  readonly createdAt: string
  readonly remoteAddr: string
  readonly remoteUser: string | null
  readonly method: string
  readonly path: string
  readonly protocol: string
  readonly status: number
  /** A bigint where a number would not be exact. */
  readonly bytes: number | bigint | null
  readonly referrer: string | null
  readonly userAgent: string | null
}

export interface Inserter {
  insert(row: Row): Promise<void>
  reject(line: Uint8Array, source: number, position: number, reason: string): Promise<void>
  close(): Promise<void>
}

/** Lines treated as one file: the unit that instances claim. */
export interface Logfile {
  readonly id: number
  /** Where its lines lie: what that means is the business of those who read them. */
  readonly path: string
  /** Its records, in the order of its lines: mostly one range. */
  readonly ranges: readonly Range[]
}

export interface RegisteredLogfile extends Logfile {
  readonly done: boolean
}

/** Proof that an instance holds a logfile: valid as long as nobody has changed the version since. */
export interface Claim {
  readonly logfile: Logfile
  readonly version: number
  readonly owner: string
}

export interface Logfiles {
  /** Registers a spooled file; it can be claimed from now on. */
  add(file: Omit<Logfile, 'id'>): Promise<number>
  /**
   * Registers a file under exactly this number and claims it at once; undefined when the number is taken. Who has read all
   * files registered so far, and registers under the number behind the last of them, knows that nobody has registered anything
   * since (optimistic concurrency): so several may decide, each on what the others have, which records are new. Not to be
   * mixed with `add` in one run.
   */
  addClaimed(file: Logfile, owner: string, leaseMs: number): Promise<Claim | undefined>
  /** Files registered under numbers above this one, in order, at most so many. */
  registered(after: number, most: number): Promise<readonly RegisteredLogfile[]>
  /**
   * Takes the oldest file that is new or whose lease has run out, by an UPDATE guarded by the version it was read with;
   * undefined when there is none. `conflicts` counts the updates that another instance won.
   */
  claim(owner: string, leaseMs: number): Promise<{ readonly claim: Claim | undefined; readonly conflicts: number }>
  /** Prolongs a lease; false when the claim was lost. */
  renew(claim: Claim, leaseMs: number): Promise<boolean>
  /** Files not yet done. */
  backlog(): Promise<number>
  /** Of these files, those that are done, with what became of their records: for an instance that died before it could say. */
  outcomes(ids: readonly number[]): Promise<readonly { readonly id: number; readonly receipt: Receipt }[]>
  close(): Promise<void>
}

/** Another instance has taken the file over; the transaction was rolled back and nothing was written. */
export class ClaimLostError extends Error {
  constructor(readonly claim: Claim) {
    super(`logfile ${claim.logfile.id} was taken over by another instance; its rows were rolled back`)
    this.name = 'ClaimLostError'
  }
}

/** The connection broke after the commit was sent and before it was answered: the batch may or may not be stored. */
export class InDoubtError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'InDoubtError'
  }
}

/**
 * How rows come from a scan: the messages of Postgres' binary COPY, or ClickHouse's RowBinary, whose columns are those of
 * `rowColumns` (created_at as seconds in 32 bits, addresses as IPv6 in 16 bytes, so that an IPv4 address and the IPv6
 * address it is mapped to are one) and of the kept rejects: source, position, reason, length, line.
 */
export type RowEncoding = 'postgres-copy' | 'row-binary'

/**
 * Reads the image back, as it lies, with the partition that each row was found in. Rows come in the encoding that the
 * kernel digests, never decoded in JavaScript: see `Digester.foundWire`.
 */
export interface Scanner {
  readonly encoding: RowEncoding
  /** `filter` restricts to positions from <= p < to of one source, for naming what differs. */
  rows(filter?: PositionFilter): AsyncIterable<Block>
  /** The same for the kept rejected lines. */
  rejects(filter?: PositionFilter): AsyncIterable<Block>
}

export interface PositionFilter {
  readonly source: number
  readonly from: number
  readonly to: number
}

export interface Block {
  /** Partition that the rows were found in: month ('YYYY-MM') and remainder of the hash. Undefined for rejects, or a place that is no partition of the layout. */
  readonly partition: { readonly month: string; readonly remainder: number } | undefined
  /**
   * A piece of the server's answer as it came from the wire, in the scanner's encoding; its last message or row may go on in
   * the next block of the same partition. Valid until the next block is asked for.
   */
  readonly bytes: Uint8Array
}

/** Columns of `nginx_logfile_row`, in the order of its encodings. */
export const rowColumns = [
  'source',
  'position',
  'created_at',
  'remote_addr',
  'remote_user',
  'method',
  'path',
  'protocol',
  'status',
  'bytes',
  'referrer',
  'user_agent',
] as const
