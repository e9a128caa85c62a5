/** What a gate and the processes of the two builds say to each other: JSON, a line for each request and each answer. */

import type { SourceSpec } from '../../generators/source.js'
import type { Audit, Finding } from '../../results/result.js'
import type { Durability, Layout } from '../../stores/store.js'
import type { OptionSet } from '../../targets/target.js'

/**
 * Number of the protocol. Two builds meet in a gate, so any change that an older side would not understand, or would
 * understand otherwise, takes the next number. A field more in an answer does not: it is optional, and a gate that does not
 * get it says so.
 */
export const gateProtocol = 1

/** What a side is to measure. */
export interface SideSpec {
  readonly target: string
  /** Options that were asked for; the others are the build's own defaults. */
  readonly options: OptionSet
  /** URL of the server that both sides write to, or 'null'. */
  readonly store: string
  /** The side's own schema, 'weir_...'. */
  readonly schema: string
  readonly source: SourceSpec
  /** As asked for; the store may have a layout of its own. */
  readonly layout: Layout
  /** A folder of the side's own. */
  readonly scratch: string
}

export type SideRequest =
  | { readonly do: 'open'; readonly protocol: number; readonly spec: SideSpec }
  /** The next so many records, and drained: at a rate, or as fast as the target takes them. */
  | { readonly do: 'block'; readonly records: number; readonly recordsPerSecond?: number }
  /** Stops the target and reconciles what lies in its tables. */
  | { readonly do: 'audit' }
  /** Drops the tables and ends. */
  | { readonly do: 'close' }

/** What a side is and what it found: in these the two must agree, `weir` and `options` excepted. */
export interface SideFacts {
  readonly protocol: number
  readonly weir: { readonly version: string; readonly build: string }
  readonly options: OptionSet
  readonly image: string
  readonly durability: Durability
  /** Hash of the first lines of the stream: a build that makes other records measures another workload. */
  readonly workload: string
  /** Records that the target takes at once: a block that is a multiple of these has no torn batch at its end. */
  readonly unit: number
}

export interface SideBlock {
  readonly records: number
  /** From the first offer to the last settlement. */
  readonly elapsedMs: number
  /** CPU of the side's process and of the target's own processes, ended ones included, seconds; the server's is not in it. */
  readonly cpuSeconds: number
  /** Due to stored, milliseconds, of a block at a rate; null at full speed. */
  readonly p99: number | null
  /** Records of the block that failed, and why the first did. */
  readonly failed: number
  readonly failure?: string
}

export interface SideAudit {
  /** Null where a store keeps nothing to be read back. */
  readonly audit: Audit | null
  /** The first few. */
  readonly findings: readonly Finding[]
  /** Settlements that a target must not make; absent in builds from before they were told. */
  readonly ledger?: SideLedger
}

/** Records, over all blocks of the side. */
export interface SideLedger {
  /** Had their last word already. */
  readonly settledTwice: number
  readonly neverOffered: number
}

/** The answers, by request. */
export interface SideAnswers {
  readonly open: SideFacts
  readonly block: SideBlock
  readonly audit: SideAudit
  readonly close: Record<string, never>
}

export type SideReply<K extends keyof SideAnswers = keyof SideAnswers> =
  | { readonly ok: true; readonly value: SideAnswers[K] }
  | { readonly ok: false; readonly error: string /** The side's own, when that is what does not fit. */; readonly protocol?: number }
