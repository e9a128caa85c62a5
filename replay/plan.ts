/** What `weir run` and `weir verify` were asked for, as plain data: nothing here knows of flags, and every process can read it. */

import type { Format } from '../generators/record.js'
import type { ScenarioParameters } from '../scenarios/scenario.js'
import type { Durability, PartitionKey } from '../stores/store.js'
import type { OptionSet } from '../targets/target.js'

/** How long a run is. Bytes become the nearest whole record by the source's measured mean line. */
export type Length =
  | { readonly kind: 'records'; readonly records: number }
  | { readonly kind: 'bytes'; readonly bytes: number }
  | { readonly kind: 'duration'; readonly durationMs: number }

/** What a run may ask a store to survive; a given server is probed, never changed. */
export const runDurabilities = ['power', 'process'] as const
export type RunDurability = Extract<Durability, (typeof runDurabilities)[number]>

/** Every option of the target has a value here: what was asked for, and the defaults of the rest. */
export interface PlannedTarget {
  readonly name: string
  readonly options: OptionSet
  /** Names of the options that were asked for: a store may have a better default for the others. */
  readonly asked: readonly string[]
}

/** A store of the registry. `url` is '' for an embedded server and for null; it may hold credentials: never print it as it is. */
export interface PlannedStore {
  readonly name: string
  readonly url: string
}

export interface Plan {
  readonly scenario: string
  /** What the scenario was told, and its own values for the rest; empty for one that cannot be told anything. */
  readonly parameters: ScenarioParameters
  readonly targets: readonly PlannedTarget[]
  /** False when nobody named targets: those that the store does not support are then left out with a notice, not refused. */
  readonly targetsNamed: boolean
  /** Where the targets write to, side by side; one at least. */
  readonly stores: readonly PlannedStore[]
  /** Length of the full-speed leg; null: the whole input file. */
  readonly length: Length | null
  /** Records per second of the latency leg; null: `rateShare` of the rate that the full-speed leg reached. */
  readonly rate: number | null
  readonly rateShare: number
  /** Runs of each target on each store, on fresh tables, interleaved; with `until` the most of them. */
  readonly repetitions: number
  /** Goes on until the interval of every throughput, over the runs, reaches no farther than this share to each side; null: no such end. */
  readonly until: number | null
  /** What the user calls the session, to find its result again; null: nothing. */
  readonly label: string | null
  /** When the records of the latency leg are due, in the words of `arrivals/words.ts`. */
  readonly arrivals: string
  readonly latencyLeg: boolean
  /** Questions per second of the analytics side beside the full-speed leg; null: none. */
  readonly analyticsRate: number | null
  /** Unsigned 64 bits, in decimal. */
  readonly seed: string
  readonly profile: string
  readonly format: Format
  /** A real log (absolute path) to replay instead of a generated stream. */
  readonly input: string | null
  /** Time of record 0, milliseconds since the epoch, a whole second; null leaves it to the scenario (`Scenario.timing`). */
  readonly startMs: number | null
  /** Null leaves it to the scenario. */
  readonly recordsPerDay: number | null
  readonly partitionKey: PartitionKey
  /** Hash partitions of each month. */
  readonly partitions: number
  readonly durability: RunDurability
  /** More rejected lines than this fail the run; null: any number is an answer. */
  readonly maxRejects: number | null
  /** File (absolute path) that the rejected lines are exported to. */
  readonly exportRejects: string | null
  /** Leaves the run's tables (and an embedded server's files) where they are, for `weir verify`. */
  readonly keep: boolean
  /** Data directory of the embedded server (absolute path); null: a throwaway one. */
  readonly dataDirectory: string | null
  /** Folder (absolute path) of the result files. */
  readonly out: string
}

/** Which runs, on which server, `weir verify` audits again. */
export interface VerifyPlan {
  readonly store: PlannedStore
  /** Data directory (absolute path) that an embedded server left behind with `--keep`; null for a given server. */
  readonly dataDirectory: string | null
  /** The run's schema; null: all of those there. */
  readonly schema: string | null
  /** The file that was replayed, when it has moved since; null: where it was. */
  readonly input: string | null
}
