/** The document of a capacity search: what `weir capacity --json` prints and what lies under results/runs as ...-capacity-....json. */
import type {
  Audit,
  Baseline,
  BoundFinding,
  Build,
  Calibration,
  Durability,
  Finding,
  Interval,
  Json,
  Machine,
  Published,
  Quantiles,
  RunError,
  ThroughputBlock,
  Verdict,
} from '../result.js'
import type { Condition, Outcome } from './decision.js'
import type { SearchEnd } from './search.js'

/** Version of the document; raised when a field changes its name, unit or meaning. */
export const capacitySchema = 1

export interface CapacityResult {
  readonly schema: typeof capacitySchema
  /** Tells it from the result of a run. */
  readonly kind: 'capacity'
  readonly weir: Build
  /** ISO 8601, UTC. */
  readonly createdAt: string
  /** What the user called it. */
  readonly label?: string | undefined
  readonly configuration: { readonly [option: string]: Json }
  readonly machine: Machine
  readonly published: Published
  readonly baseline: Baseline
  readonly calibration: Calibration
  /** One for each target on each store, searched one after the other. */
  readonly capacities: readonly Capacity[]
}

/** How a search ended: as the search itself does, or from outside. */
export const searchEnds = ['precise', 'never', 'always', 'budget', 'generator', 'failed', 'interrupted'] as const
export type End = SearchEnd | (typeof searchEnds)[number]

export interface Capacity {
  readonly target: string
  readonly store: string
  readonly scenario: string
  readonly durability: Durability
  readonly image: string
  readonly options: { readonly [option: string]: Json }
  readonly verdict: Verdict
  readonly reasons: readonly string[]
  /** What is asked of a sustained rate: p99 from due to stored, milliseconds. */
  readonly limit: { readonly p99Ms: number }
  /** Half an interval is to be no wider than this share of the capacity. */
  readonly precision: number
  readonly end: End
  /** Records per second that are sustained as likely as not; null when no rate was, or none was probed. */
  readonly recordsPerSecond: number | null
  readonly interval: Interval | null
  /** A probe this share below (above) the capacity is sustained with odds of e : 1 (1 : e); null without a capacity. */
  readonly softness: number | null
  /** Over the published 622 records/s. */
  readonly timesPublished: number | null
  /** Over the baseline measured here; null when there is none. */
  readonly timesMeasured: number | null
  /** The unranked burst that bracketed the search: as fast as the target took it. */
  readonly fullSpeed: { readonly recordsPerSecond: number; readonly seconds: number } | null
  /** Which conditions the probes above the capacity broke, most frequent first. */
  readonly broke: readonly { readonly condition: Condition; readonly probes: number }[]
  /** What kept it from being more, over the probes near the capacity; null when nothing was probed there. */
  readonly bound: BoundFinding | null
  /** At shares of the capacity. */
  readonly latencies: readonly LatencyPoint[]
  /** In the order in which they ran. */
  readonly probes: readonly Probe[]
  /** Fresh tables, how much went into each, and what their audit said. */
  readonly groups: readonly Group[]
  /** Of all groups together; null where nothing can be read back or nothing was. */
  readonly audit: Audit | null
  readonly findings: readonly Finding[]
  readonly error?: RunError | undefined
  /** sha-256, hex, as of a run; the workload's includes the limit. */
  readonly workloadHash: string
  readonly environmentHash: string
  readonly subjectHash: string
}

/** One rate, offered for a while. */
export interface Probe {
  /** Records per second. */
  readonly rate: number
  readonly outcome: Outcome
  /** How the evidence speaks for sustained, 0 to 1. */
  readonly sustained: number
  readonly broke: readonly Condition[]
  /** In words. */
  readonly evidence: readonly string[]
  /** Length of the window, warm-up excluded. */
  readonly seconds: number
  readonly warmUpSeconds: number
  /** Went on beyond its first window because that was unclear. */
  readonly lengthened: boolean
  /** Broken off because the backlog was beyond hope. */
  readonly cutShort: boolean
  /** Growth of the backlog as a share of the rate, with its 95% interval; null when the window was too short for its batches. */
  readonly backlogSlope: { readonly share: number; readonly interval: Interval } | null
  /** Share of the records later than the limit, of how many, which count as so many independent ones. */
  readonly late: { readonly share: number; readonly records: number; readonly effectiveRecords: number }
  /** Due to stored, milliseconds; null when nothing was stored. */
  readonly latency: Quantiles | null
  /** p99 of how late Weir itself was, milliseconds. */
  readonly generatorLagP99Ms: number
  /** Share of the time in which Weir was making lines. */
  readonly generatorBusyShare: number
  /** Share of all cores' time that was used meanwhile; null where the system does not tell. */
  readonly coresBusyShare: number | null
  /** From the last record's being due to the last one's being settled, milliseconds; null when that did not happen. */
  readonly drainMs: number | null
  /** Number of the group of tables that it wrote into, and how many records lay there before. */
  readonly group: number
  readonly recordsBefore: number
}

export interface LatencyPoint extends Quantiles {
  /** Of the capacity. */
  readonly share: number
  readonly rate: number
  /** Records that it was taken from, and the length of the window. */
  readonly count: number
  readonly seconds: number
  /** From how slices of time differ (Woodruff's); null with too few batches for the quantile. */
  readonly intervals: Readonly<Record<'p50' | 'p90' | 'p99' | 'p999', Interval | null>>
  /** What it says as a probe. */
  readonly outcome: Outcome
}

export interface Group {
  readonly for: 'full speed' | 'search' | 'latency'
  readonly probes: number
  readonly records: number
  readonly audit: Audit | null
  readonly blocks?: readonly ThroughputBlock[] | undefined
}
