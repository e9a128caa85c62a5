/** The result document: what `weir run --json` prints and what lies under results/runs. */

/** Version of the document; raised when a field changes its name, unit or meaning. */
export const resultSchema = 1

/**
 * What a run amounts to. `ok` and `overloaded` (it could not keep the rate of its latency leg) may be ranked;
 * `generator-bound` measured Weir, not the target; `threshold-failed` missed a threshold that the user set;
 * `unsound`: the audit found something; `failed`: it did not finish; `interrupted`: it was told to stop.
 */
export const verdicts = ['ok', 'overloaded', 'generator-bound', 'threshold-failed', 'unsound', 'failed', 'interrupted'] as const
export type Verdict = (typeof verdicts)[number]

/** What kept the full-speed leg from being faster. */
export const bounds = ['generator', 'target', 'store', 'disk', 'machine', 'unknown'] as const
export type Bound = (typeof bounds)[number]

/** What a stored record survives: nothing, a killed process, a loss of power. */
export const durabilities = ['none', 'process', 'power'] as const
export type Durability = (typeof durabilities)[number]

/** Anything that JSON can say. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

/** Where the true value lies, with this confidence, given the spread that was seen. */
export interface Interval {
  readonly low: number
  readonly high: number
  /** 0.95 unless said otherwise. */
  readonly confidence: number
}

export interface Result {
  readonly schema: typeof resultSchema
  readonly weir: Build
  /** ISO 8601, UTC. */
  readonly createdAt: string
  /** Effective options after flags, environment and file; credentials redacted. */
  readonly configuration: { readonly [option: string]: Json }
  readonly machine: Machine
  readonly published: Published
  readonly baseline: Baseline
  readonly calibration: Calibration
  readonly runs: readonly Run[]
  /** Each target and store that ran several times, taken together; absent when none did. */
  readonly together?: readonly RunsTogether[] | undefined
  /** What the user called this session, to find it again. */
  readonly label?: string | undefined
  /** Which architecture won, as `rank` decided; absent when nothing was ranked. */
  readonly ranking?: Ranking | undefined
}

export interface Build {
  readonly version: string
  /** Hash of the kernel that was built, or of the whole build; '' when unknown. */
  readonly build: string
}

export interface Machine {
  readonly cpuModel: string
  readonly cores: number
  /** Cores that the container lets its processes use, 0.5 for half of one; absent without such a limit. */
  readonly cpuLimit?: number | undefined
  readonly memoryBytes: number
  /** 'linux 6.1.0 (Debian GNU/Linux 12)'. */
  readonly os: string
  readonly arch: string
  readonly node: string
  /** File system that holds the embedded store's data: 'ext4', 'overlay'; null when unknown or when the store is elsewhere. */
  readonly filesystem: string | null
}

/** Figures that others published, kept in baselines/published.json. */
export interface Published {
  readonly linesPerFile: number
  readonly secondsPerFile: number
  readonly recordsPerSecond: number
  readonly [figure: string]: Json
}

/** The row-at-a-time leg, measured here and now on a bounded sample of the same stream. */
export interface Baseline {
  /** 622 records/s. */
  readonly published: number
  /** Records/s; null when it was not run (the null store alone, interrupted before it). */
  readonly measured: number | null
  /** Records that it was measured on. */
  readonly sample: number
  /** Of `measured`. */
  readonly interval?: Interval | undefined
  readonly blocks?: readonly ThroughputBlock[] | undefined
  readonly latency?: Latency | null | undefined
  readonly audit?: Audit | null | undefined
  readonly durability?: Durability | undefined
  readonly store?: string | undefined
}

/** The same stream into the null store: what generator and driver could do if the target cost nothing. */
export interface Calibration {
  /** Null when it was not measured. */
  readonly nullRecordsPerSecond: number | null
  readonly interval?: Interval | undefined
  readonly blocks?: readonly ThroughputBlock[] | undefined
}

/** The runs of one target on one store: means over them, with intervals over them. */
export interface RunsTogether {
  readonly target: string
  readonly store: string
  readonly runs: number
  /** The worst of theirs. */
  readonly verdict: Verdict
  readonly recordsPerSecond: number
  readonly interval: Interval | null
  readonly latency: Pick<Latency, 'rate' | 'p50' | 'p99' | 'intervals'> | null
}

/** One scenario on one target and one store. */
export interface Run {
  readonly target: string
  readonly store: string
  /** Number of the run among those of the same target and store in this session, from 1; absent when there is but one. */
  readonly repetition?: number | undefined
  readonly scenario: string
  /** Records offered in the full-speed leg; of a run that k6 drove, those that were due (questions, where nothing else was sent). */
  readonly records: number
  readonly verdict: Verdict
  /** Why the verdict is not `ok`, in words. */
  readonly reasons?: readonly string[] | undefined
  readonly durability: Durability
  /** What the target leaves behind: 'rows', 'rows (logins)', 'counters (path)', 'replies'. Different images are never ranked together. */
  readonly image?: string | undefined
  /** The full-speed leg. Of a run that did not finish: what was stored until then; zeros when that was nothing. */
  readonly throughput: Throughput
  /** Due to stored, in the constant-rate leg; null when there was none. */
  readonly latency: Latency | null
  /** The full-speed leg's audit; null for the null store and for runs that never came to it. */
  readonly audit: Audit | null
  /** The first findings of the audits, with their positions. */
  readonly findings?: readonly Finding[] | undefined

  /** The target's effective options. */
  readonly options?: { readonly [option: string]: Json } | undefined
  /** The interleaved pieces of the full-speed leg, in order of their `index`. */
  readonly blocks?: readonly ThroughputBlock[] | undefined
  readonly latencyLeg?: LatencyLeg | undefined
  /** Records that the target answered for, and those committed where queries look, in the full-speed leg. */
  readonly accepted?: number | undefined
  readonly stored?: number | undefined
  readonly bound?: BoundFinding | undefined
  readonly cpu?: Cpu | undefined
  readonly memory?: Memory | undefined
  readonly disk?: Disk | undefined
  /** What the connections that wrote were doing, as the store tells; null where it does not. */
  readonly storeWaits?: StoreWaits | null | undefined
  /** Bytes copied in user space per record, from the rendered buffer to the socket; null when the target does not know. */
  readonly copiedBytesPerRecord?: number | null | undefined
  readonly storeFacts?: StoreFacts | undefined
  readonly partitions?: readonly Partition[] | undefined
  /** Rows of the fullest partition over the mean of all of them: 1 is even. */
  readonly partitionSkew?: number | null | undefined
  /** Share of the records, 0 to 1, by the hash of a column that the scenario skews: what each partition or server gets. */
  readonly hashShares?: HashShares | undefined
  /** What the scenario did to the store while records flowed in, in order, leg after leg. */
  readonly events?: readonly RunEvent[] | undefined
  /** What that did to the flow, in each leg that had events. */
  readonly disturbance?: { readonly throughput?: Disturbance | undefined; readonly latency?: Disturbance | undefined } | undefined
  /** What the store deferred, in the full-speed leg. */
  readonly deferred?: DeferredWork | undefined
  /** The target's own: conflicts, files claimed, retries. */
  readonly counters?: { readonly [name: string]: number } | undefined
  /** Records stored in each second of the full-speed leg. */
  readonly storedPerSecond?: readonly number[] | undefined
  /** Stored to seen by a query, probed during the run; null where nothing can be seen. */
  readonly visibility?: Visibility | null | undefined
  /** Questions of the analytics side beside the ingestion; absent when none were asked. */
  readonly analytics?: AnalyticsTogether | undefined
  /** What k6 says of a run that it drove; absent in all others. */
  readonly k6?: K6Report | undefined
  /** Why it failed; credentials redacted. */
  readonly error?: RunError | undefined

  /** sha-256, hex: must match for two results to be compared. */
  readonly workloadHash: string
  /** Differs between machines and versions: the comparison is then only advice. */
  readonly environmentHash: string
  /** Target, its options and build: what is compared. */
  readonly subjectHash: string
}

export interface Throughput {
  /** Stored records per second of the window. */
  readonly recordsPerSecond: number
  /** Bytes of their lines, newlines included, per second. */
  readonly bytesPerSecond: number
  /** Over the published 622 records/s. */
  readonly timesPublished: number
  /** Over the baseline measured here; null when there is none. */
  readonly timesMeasured: number | null
  /** Of recordsPerSecond. Null when there were too few blocks. */
  readonly interval?: Interval | null | undefined
}

/** A piece of the full-speed leg; pieces with the same index ran next to each other and are compared as a pair. */
export interface ThroughputBlock {
  readonly index: number
  readonly records: number
  readonly elapsedMs: number
  readonly recordsPerSecond: number
}

/** Milliseconds. */
export interface Quantiles {
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly p999: number
  readonly max: number
}

export interface Latency extends Quantiles {
  /** Records per second at which it was measured. */
  readonly rate: number
  /** Records in the histogram. */
  readonly count?: number | undefined
  /**
   * Of p50 and p99, 95%: of one leg from how its slices of time differ (Woodruff's), null with too few batches for the quantile;
   * of several runs from how these differ.
   */
  readonly intervals?: { readonly p50: Interval | null; readonly p99: Interval | null } | null | undefined
  /** Due to accepted: the target answers for the record. */
  readonly accepted?: Quantiles | undefined
  /** Due to durable: the record survives a crash. */
  readonly durable?: Quantiles | undefined
  /** Offered to stored: what a closed loop would have reported. */
  readonly serviceTime?: Quantiles | undefined
  /**
   * How long after the leg's beginning the p50 of a second had become level, milliseconds; null when it never had: the leg was
   * too short. Absent for legs of less than twenty seconds, of which that cannot be said.
   */
  readonly settledAfterMs?: number | null | undefined
  /** Each stage that records reached, from due on (`service` from offered on), with its histogram and its course. */
  readonly stages?:
    | {
        readonly accepted?: Stage | undefined
        readonly durable?: Stage | undefined
        readonly stored?: Stage | undefined
        readonly service?: Stage | undefined
        readonly visible?: ProbedStage | undefined
      }
    | undefined
  /** How late the generator itself offered: due to offered. */
  readonly generatorLag?: { readonly p99: number; readonly max: number } | undefined
}

/** How late records reached a stage: all of them, and by when they were due. Milliseconds. */
export interface Stage extends Quantiles {
  readonly count: number
  /** Records that got there before they were due, a clock's error: they are in nothing else. */
  readonly negative: number
  /** Length of the buckets of `series`: 1000, or more in legs of over ten minutes. */
  readonly bucketMs: number
  readonly series: readonly StageBucket[]
  /** HdrHistogram V2, compressed, in base64, of microseconds: histograms of several results can be merged. It grows: nothing is clipped. */
  readonly histogram: string
}

/** Records that were due in one stretch of the window. */
export interface StageBucket {
  /** Since the window began. */
  readonly fromMs: number
  readonly count: number
  readonly p50: number
  readonly p99: number
  readonly max: number
}

/** Due to seen by a query, of those records that were followed: each lies between two values, so there are quantiles of both. */
export interface ProbedStage {
  readonly probes: number
  readonly low: Quantiles
  readonly high: Quantiles
}

/** The constant-rate leg. */
export interface LatencyLeg {
  /** Records per second. */
  readonly rate: number
  /** The rate over the full-speed leg's throughput; null when the user gave the rate. */
  readonly share: number | null
  /** Length of the window, warm-up excluded. */
  readonly seconds: number
  readonly warmupSeconds?: number | undefined
  /** Records offered in the whole leg. */
  readonly records: number
  /** Records due and not yet stored when the window opened and when it closed. */
  readonly backlogAtStart: number
  readonly backlogAtEnd: number
  readonly storedPerSecond?: readonly number[] | undefined
  /** The rate was not kept: latencies are those of a growing queue, whatever the verdict says first. */
  readonly overloaded?: boolean | undefined
  readonly audit: Audit | null
}

/** A time that was probed: it lies between these two, milliseconds. */
export interface Span {
  /** When the last query was sent that did not see the record; 0 when the first one saw it. */
  readonly low: number
  /** When the first answer came that saw it. */
  readonly high: number
}

/**
 * The time from a record's being stored to its being seen by a query, of a sample of the records. Quantiles are those of
 * the lower ends and of the upper ends, each taken for itself; null when no probe came to its end.
 */
export interface Visibility {
  /** Records that were followed until a query saw them. */
  readonly probes: number
  /** Records that were given up since no query had seen them for 10 s. */
  readonly unseen: number
  /** 1 when a record was still being followed as the run ended, else 0. */
  readonly pending: number
  /** Queries that failed: they say nothing about the record. */
  readonly failures: number
  readonly p50: Span | null
  readonly p99: Span | null
  readonly max: Span | null
}

/** The analytics side and the ingestion alone and together: in blocks of the full-speed leg that took turns. */
export interface AnalyticsTogether {
  /** Queries per second. */
  readonly rate: number
  /** Asked while nothing was written, of tables as full as the ingestion alone had left them. */
  readonly alone: AnalyticsFigures
  /** The service ran in the process that drove the ingestion. */
  readonly combined: AnalyticsBeside
  /** It ran in a process of its own. */
  readonly separated: AnalyticsBeside
}

export interface AnalyticsBeside {
  readonly questions: AnalyticsFigures
  /** Stored by the ingestion beside it; null when nothing was. */
  readonly recordsPerSecond: number | null
  /** Its throughput over that of the ingestion alone, by blocks of the same round. */
  readonly ingestionTimes: PairedRatio | null
  /** The questions' latency over that of the questions alone. */
  readonly latencyTimes: { readonly p50: number; readonly p99: number } | null
  readonly audit: Audit | null
}

/** Queries of the analytics side at a constant rate: asked = answered + failed + unsent. */
export interface AnalyticsFigures {
  /** Queries per second that came due. */
  readonly rate: number
  /** Queries that came due. */
  readonly asked: number
  readonly answered: number
  /** Answered by an error, or not answered before the end of the run. */
  readonly failed: number
  /** Still waiting, at the end of the run, for others to be answered. */
  readonly unsent: number
  /** Due to answered; null when nothing was. */
  readonly latency: Quantiles | null
  /** Sent to answered: what a closed loop would have reported. */
  readonly service: Quantiles | null
  /** By the query's name: hits, top, statuses, visitors, latest, logins. Those that were sent. */
  readonly byQuery: { readonly [query: string]: QueryFigures }
  /** How many failed, by message. */
  readonly errors: { readonly [message: string]: number }
}

export interface QueryFigures {
  readonly asked: number
  readonly answered: number
  readonly failed: number
  /** Due to answered; null when nothing was. */
  readonly latency: Quantiles | null
}

/** offered = stored + rejected + excluded + refused + failed + lost. */
export interface Audit {
  readonly offered: number
  readonly stored: number
  /** Do not parse. */
  readonly rejected: number
  /** Left out by design. */
  readonly excluded: number
  /** Told to come back. */
  readonly refused: number
  /** In doubt. */
  readonly failed: number
  /** Accepted, and not there. */
  readonly lost: number
  /** Rows beyond the first of the same record. */
  readonly duplicated: number
  /** There, with a field that differs from the line. */
  readonly corrupted: number
  /** In a partition where they don't belong. */
  readonly misplaced: number
  /** Rows of no record that was offered. */
  readonly unexpected?: number | undefined
  /** How fast the store was read back. */
  readonly rowsPerSecond?: number | undefined
}

export const findingKinds = ['lost', 'duplicated', 'corrupted', 'misplaced', 'unexpected'] as const
export type FindingKind = (typeof findingKinds)[number]

/** One thing that an audit found, with the identity of the record that it concerns. */
export interface Finding {
  readonly kind: FindingKind
  readonly source: number
  readonly position: number
  readonly expected?: string | undefined
  readonly found?: string | undefined
  /** Which leg's audit found it. */
  readonly leg?: 'throughput' | 'latency' | undefined
}

export interface BoundFinding {
  readonly by: Bound
  /** What was seen, in words, most telling first. */
  readonly evidence: readonly string[]
  /** The numbers that it rests on. */
  readonly figures: { readonly [name: string]: number | null }
}

/** CPU seconds used during the full-speed leg's windows. */
export interface Cpu {
  /** Rendering, pacing and filing: the cost of measuring. */
  readonly generator: number
  /** Weir's process with all its threads: generator, driver, and what of the target runs in it. */
  readonly weir?: number | undefined
  /** By part of the target: a process, or a thread where the system tells threads apart; else `threads`, what is left of Weir's. */
  readonly target: { readonly [part: string]: number }
  /** The store's processes; null when they are elsewhere. */
  readonly store: number | null
  readonly total: number
  /** generator / total. */
  readonly generatorShare: number | null
  /** CPU seconds used over seconds available (cores x elapsed), by everything on the machine; null when unknown. */
  readonly machineUtilisation?: number | null | undefined
  /** Stored records over CPU seconds of target and store, the generator's left out; null when the store's are not known. */
  readonly recordsPerSecondPerCore?: number | null | undefined
}

/** Largest seen, bytes. */
export interface Memory {
  /** Resident set of Weir's process, threads of the target included. */
  readonly weirBytes: number
  /** Of the target's processes together, what each has for itself. */
  readonly targetBytes?: number | undefined
  /** By part of the target that is a process of its own; threads are in Weir's. */
  readonly target?: { readonly [part: string]: number } | undefined
  /** What the store's processes have for themselves, and once what they share; null when they are elsewhere. */
  readonly storeBytes?: number | null | undefined
}

/** What went to disks during the full-speed leg's windows, bytes; null where the system does not tell. */
export interface Disk {
  /** By Weir's process, threads of the target included. */
  readonly weirBytes: number | null
  /** By part of the target that is a process of its own. */
  readonly target: { readonly [part: string]: number }
  /** By the store's processes. */
  readonly storeBytes: number | null
  /** storeBytes over the records stored. */
  readonly storeBytesPerRecord: number | null
  /** The disks that hold the store's data, everybody's doings on them counted. */
  readonly device: DiskDevice | null
  /** Why `device` is null. */
  readonly unknown?: string | undefined
  /** Share of the time in which everything on the machine that had something to do waited for a disk (Linux: PSI), 0..1. */
  readonly ioStalledShare: number | null
}

export interface DiskDevice {
  /** As the kernel names them; several where a volume is made of several. */
  readonly disks: readonly string[]
  readonly writtenBytes: number
  readonly writes: number
  /** Commands to make writes last; null where they are not counted. */
  readonly flushes: number | null
  /** Share of the time in which it had something to do, 0..1; of several disks, the busiest's. */
  readonly busyShare: number | null
}

export const waitKinds = ['client', 'cpu', 'disk', 'lock', 'other'] as const
export type WaitKind = (typeof waitKinds)[number]

/** What the connections that wrote did during the full-speed leg's windows. */
export interface StoreWaits {
  /** Shares of their time, 0..1, by the store's own names, largest first. */
  readonly events: { readonly [event: string]: number }
  /** The same by kind: waiting for the target, on the CPU or ready for it, for a disk, for a lock, for anything else; null: not told. */
  readonly kinds: { readonly [kind in WaitKind]: number | null }
  /** How often they were looked at; 0 for a store that counts by itself. */
  readonly looks: number
  /** Connections seen at a time, the mean. */
  readonly connections: number
  /** The store's own counts and times. */
  readonly figures: { readonly [name: string]: number }
  /** What could not be told. */
  readonly unknown: readonly string[]
}

/** Work that a store does for rows which it has already acknowledged: merges, checkpoints, vacuums. */
export interface DeferredWork {
  /** From the end of each block until the store had done it, summed, milliseconds. */
  readonly settleMs: number
  /** Stored records over the time of the blocks and that of the settling: what can be kept up for long. */
  readonly recordsPerSecondSettled: number
  /** While it ran beside the writing, and while it did not; null where that was never seen. */
  readonly whileRunning: Pace | null
  readonly otherwise: Pace | null
  /** The store's own counts: parts, merges, mergedRows, ... */
  readonly figures: { readonly [name: string]: number }
}

export interface Pace {
  readonly seconds: number
  readonly recordsPerSecond: number
}

export interface HashShares {
  readonly key: string
  readonly shares: readonly number[]
}

/** A month that was dropped with all its rows. */
export interface RunEvent {
  readonly kind: 'drop-month'
  readonly leg: 'throughput' | 'latency'
  /** 'YYYY-MM' */
  readonly month: string
  /** Number of the leg's block, from 0, and milliseconds since it began. */
  readonly block: number
  readonly atMs: number
  readonly tookMs: number
  /** The store's own steps, milliseconds. */
  readonly stepsMs?: { readonly [step: string]: number } | undefined
  readonly rows: number
  readonly bytes: number
  /** From its beginning to the first records stored after its end; null when nothing was stored any more. */
  readonly meanwhile: Flow | null
}

/** The flow of records beside a leg's events, and otherwise, ramp-up left out. */
export interface Disturbance {
  readonly meanwhile: Flow | null
  readonly otherwise: Flow | null
  /** Due to stored, of records that waited while an event was under way, and of the others; null at full speed. */
  readonly latency: { readonly meanwhile: Quantiles | null; readonly otherwise: Quantiles | null } | null
}

export interface Flow {
  readonly seconds: number
  readonly recordsPerSecond: number
  /** The longest time in which nothing was stored. */
  readonly longestGapMs: number
}

export interface StoreFacts {
  readonly version: string
  readonly durability: Durability
  readonly settings: { readonly [name: string]: string }
  /** Median of a few small synchronous writes on the store's disk; null when it could not be measured. */
  readonly fsyncMs: number | null
  readonly tables: readonly Partition[]
}

export interface Partition {
  readonly name: string
  readonly rows: number
  readonly bytes: number
}

export interface RunError {
  readonly message: string
  /** What to do about it. */
  readonly remedy?: string | undefined
}

/** A run that was driven by k6 instead of Weir's own driver. */
export interface K6Report {
  /** 'v1.8.1' */
  readonly version: string
  /** Where its lines came from, and with them its clock: the extension and one that nobody sets, or a file that was rendered beforehand and the wall clock, in whole milliseconds. Absent where none were sent. */
  readonly bodies?: 'extension' | 'rendered' | undefined
  /** What k6 ended with: 0, 99 when a threshold was crossed, 105 when it was stopped; null when it was killed. */
  readonly status: number | null
  /** Requests with lines: planned = accepted + refused + failed + unsent; null where none were planned. */
  readonly requests: K6Requests | null
  /** Requests with lines, from sent to accepted: what k6 itself calls latency. Null when none were. */
  readonly service: Stage | null
  /** Questions of the analytics service; absent when none were asked. */
  readonly questions?: AnalyticsFigures | undefined
  readonly thresholds: readonly { readonly metric: string; readonly expression: string; readonly ok: boolean }[]
}

export interface K6Requests {
  readonly planned: number
  readonly accepted: number
  /** Answered 429 or 503. */
  readonly refused: number
  /** Another answer, or none. */
  readonly failed: number
  /** Due, and not sent, since k6 dropped as many iterations. */
  readonly unsent: number
  readonly linesEach: number
  /** Positions of the records that were due and never sent: from <= position < to. */
  readonly unsentRecords: readonly { readonly from: number; readonly to: number }[]
}

/** Comparison of the runs that may be compared. */
export interface Ranking {
  /** Target names, best first. */
  readonly ranked: readonly RankedRun[]
  readonly unranked: readonly { readonly target: string; readonly store: string; readonly reason: string }[]
  /** The target that was shown to be faster than every other; null when no difference was shown, or nothing to compare with. */
  readonly winner: string | null
  /** The sentence for the terminal. */
  readonly sentence: string
}

export interface RankedRun {
  readonly target: string
  readonly store: string
  /** Index in `runs`. */
  readonly run: number
  readonly recordsPerSecond: number
  /** The leader's throughput over this one's, from interleaved blocks; null for the leader and where no blocks were paired. */
  readonly leaderTimes: PairedRatio | null
}

/** Geometric mean of the ratios of interleaved blocks. */
export interface PairedRatio {
  readonly ratio: number
  /** Null with fewer than two pairs. */
  readonly interval: Interval | null
  readonly pairs: number
}
