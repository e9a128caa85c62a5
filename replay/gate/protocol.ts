/** What a gate and the builds that it compares say to each other: a line of JSON each way. The gate asks, the build answers. */
import type { StreamSpec } from '../../generators/source.js'
import type { Audit, Build } from '../../results/result.js'
import type { PartitionKey } from '../../stores/store.js'

/** Raised when a question or an answer changes its meaning: builds of different protocols cannot be compared side by side. */
export const gateProtocol = 1

/** Connects and finds the target; everything that follows happens there. */
export interface AskOpen {
  readonly do: 'open'
  readonly protocol: number
  /** The store's name, and the URL of the server that both sides write to; '' for the null store. */
  readonly store: string
  readonly url: string
  readonly target: string
  /** Only what was asked for: each build has its own defaults. */
  readonly options: Readonly<Record<string, number | boolean>>
  readonly source: StreamSpec
  readonly layout: { readonly partitionKey: PartitionKey; readonly partitions: number }
}

/** Makes fresh tables with the partitions for so many records, and opens the target on them. */
export interface AskTables {
  readonly do: 'tables'
  readonly schema: string
  readonly records: number
}

/** Replays the next records, as fast as the target takes them or at a rate, and waits until they are settled. */
export interface AskBlock {
  readonly do: 'block'
  readonly records: number
  readonly recordsPerSecond?: number
}

/** Closes the target, audits the tables and drops them. */
export interface AskAudit {
  readonly do: 'audit'
}

export type Question = AskOpen | AskTables | AskBlock | AskAudit

export interface Opened {
  readonly protocol: number
  readonly build: Build
  /** What the target leaves behind. */
  readonly image: string
  readonly options: Readonly<Record<string, number | boolean>>
}

export interface BlockDone {
  /** Stored records. */
  readonly records: number
  /** From the first offer to the last settlement. */
  readonly elapsedMs: number
  /** CPU seconds of this build's processes. */
  readonly cpuSeconds: number
  /** Due to stored, milliseconds; null at full speed. */
  readonly p99: number | null
}

export interface Audited {
  /** Null where nothing can be read back. */
  readonly audit: Audit | null
  /** The first findings, in words. */
  readonly findings: readonly string[]
}

export type Answer = Opened | BlockDone | Audited | { readonly done: true } | { readonly error: string }
