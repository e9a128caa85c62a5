/** Probing: offers records open-loop at a rate to an open target, for as long as the evidence needs, and decides on what was seen. */
import type { Source } from '../../generators/source.js'
import { type Decision, decide, type ProbeEvidence } from '../../results/capacity/decision.js'
import { batchesOf, batchPeriodMs, type Observation, type SettledRange } from '../../results/capacity/observation.js'
import type { Probe } from '../../results/capacity/report.js'
import { Recorder } from '../../results/recorder.js'
import type { Settlement } from '../../stores/store.js'
import { machineTime } from '../accounts/cpu.js'
import { constant } from '../arrivals/constant.js'
import type { Clock } from '../clock.js'
import type { BlockRequest } from '../contender.js'
import type { BlockOutcome } from '../driver.js'
import type { Onlooker, SettlementTimes } from '../events.js'
import { governed } from './governed-source.js'

/** What is asked of a probe. All times milliseconds. */
export interface ProbePlan {
  /** Records per second. */
  readonly rate: number
  /** What comes due before this does not count. */
  readonly warmUpMs: number
  readonly windowMs: number
  /** Window of a probe that goes on, because it is unclear or its batches are large: at the most. */
  readonly longestMs: number
  /** p99 from due to stored. */
  readonly limitMs: number
}

/** A probe that ran, with what it left in memory for quantiles. */
export interface Probed {
  readonly decision: Decision
  readonly observation: Observation
  readonly outcome: BlockOutcome
  readonly lengthened: boolean
  readonly cutShort: boolean
  readonly drainMs: number | null
  readonly cores: ProbeEvidence['cores']
}

/** What runs blocks: a contender made with the prober's `source` and with the prober as its onlooker. */
export interface Subject {
  run(request: BlockRequest): Promise<BlockOutcome>
}

/** Beyond hope: the oldest record waits this many times longer than the limit, or this long where that is more. */
const hopelessTimes = 4
const leastHopelessMs = 1000
/** Batches that a window holds, so that its slope can be told; and how much longer a window may become that is unclear. */
const leastBatches = 20
const lengthening = 2
/** How often a running probe looks at itself. */
const lookEveryMs = 100

/** Runs the probes of one group of tables, one after the other. */
export class Prober implements Onlooker {
  /** What the contender is to be given: ends when the probe has seen enough. */
  readonly source: Source
  private ranges: SettledRange[] = []
  private records = 0
  private startMs = 0
  private plan: ProbePlan | undefined
  private nextLookMs = 0
  private endedMs: number | undefined
  private before = { busy: 0, total: 0 }
  private after = { busy: 0, total: 0 }
  private lengthened = false
  private cutShort = false
  private turn = 0

  constructor(
    source: Source,
    private readonly clock: Clock,
    /** Seconds of all cores so far. */
    private readonly machine: () => { readonly busy: number; readonly total: number } = machineTime,
  ) {
    this.source = governed(source, this)
  }

  begin(startMs: number): void {
    this.startMs = startMs
    this.before = this.machine()
    this.ranges = []
    this.records = 0
  }

  settled(settlement: Settlement, times: SettlementTimes): void {
    this.records += settlement.count
    if (times.due === undefined) return
    const { fate, count } = settlement
    this.ranges.push({
      atMs: times.atMs,
      count,
      dueFirstMs: times.due.firstMs,
      dueLastMs: times.due.lastMs,
      failed: fate === 'failed' || fate === 'refused',
    })
  }

  /** Whether the block under way has seen enough. At full speed it never has: its length is the request's. */
  ends(): boolean {
    const { plan } = this
    if (plan === undefined) return false
    if (this.endedMs !== undefined) return true
    const elapsedMs = this.clock.now() - this.startMs
    if (elapsedMs < this.nextLookMs) return false
    this.nextLookMs = elapsedMs + lookEveryMs
    if (this.isHopeless(plan, elapsedMs)) {
      this.cutShort = true
      this.endedMs = elapsedMs
    } else if (elapsedMs >= plan.warmUpMs + plan.longestMs) this.endedMs = elapsedMs
    else if (elapsedMs >= this.firstEndMs(plan)) {
      if (elapsedMs < plan.warmUpMs + lengthening * (this.firstEndMs(plan) - plan.warmUpMs) && this.isUnclear(plan, elapsedMs))
        this.lengthened = true
      else this.endedMs = elapsedMs
    }
    if (this.endedMs !== undefined) this.after = this.machine()
    return this.endedMs !== undefined
  }

  /** Offers records at a rate until that has been decided on. @throws what the block throws */
  async probe(subject: Subject, plan: ProbePlan, request: Pick<BlockRequest, 'signal' | 'onProgress'>): Promise<Probed> {
    this.plan = plan
    this.nextLookMs = 0
    this.endedMs = undefined
    this.lengthened = false
    this.cutShort = false
    const totalMs = plan.warmUpMs + plan.longestMs
    try {
      const outcome = await subject.run({
        index: this.turn++,
        records: Math.max(1, Math.ceil((plan.rate * totalMs) / 1000)),
        arrivals: constant(plan.rate),
        windowFromMs: plan.warmUpMs,
        ...request,
      })
      return this.probed(plan, outcome, Math.min(this.endedMs ?? totalMs, totalMs))
    } finally {
      this.plan = undefined
    }
  }

  private probed(plan: ProbePlan, outcome: BlockOutcome, endMs: number): Probed {
    const lastMs = this.ranges.at(-1)?.atMs
    const drained = this.records >= outcome.offered
    const observation: Observation = {
      rate: plan.rate,
      fromMs: Math.min(plan.warmUpMs, endMs / 2),
      toMs: endMs,
      settled: this.ranges,
      // What was due and not even offered by then waits for ever.
      seenUntilMs: Math.max(lastMs ?? 0, endMs),
    }
    const generatorLagP99Ms = outcome.lag.count === 0 ? 0 : outcome.lag.quantile(0.99)
    const cores = this.coresOf(outcome)
    const generator = { generatorLagP99Ms, generatorBusyShare: busyShare(outcome, endMs), cores }
    const decision = decide({ ...observation, ...generator, drained }, plan.limitMs)
    return {
      decision,
      cores,
      observation,
      outcome,
      lengthened: this.lengthened,
      cutShort: this.cutShort,
      drainMs: drained && lastMs !== undefined ? Math.max(0, lastMs - endMs) : null,
    }
  }

  /** Of the time in which records were offered. */
  private coresOf({ renderMs }: BlockOutcome): ProbeEvidence['cores'] {
    if (this.endedMs === undefined) this.after = this.machine()
    const total = this.after.total - this.before.total
    if (!(total > 0)) return null
    const share = (seconds: number) => Math.min(1, Math.max(0, seconds / total))
    return { busyShare: share(this.after.busy - this.before.busy), generatorShare: share(renderMs / 1000) }
  }

  /** The backlog is so long that its youngest record will be far beyond the limit. */
  private isHopeless({ rate, limitMs }: ProbePlan, elapsedMs: number): boolean {
    const waiting = (rate * elapsedMs) / 1000 - this.records
    return (waiting / rate) * 1000 > Math.max(hopelessTimes * limitMs, leastHopelessMs) + this.settlingMs()
  }

  /** A batch under way is no backlog: at low rates it is what waits. */
  private settlingMs(): number {
    const last = this.ranges.at(-1)
    const before = this.ranges.at(-2)
    return last === undefined || before === undefined ? 0 : last.atMs - before.atMs
  }

  /** The end of the first window: it holds enough batches for a slope. */
  private firstEndMs({ rate, warmUpMs, windowMs }: ProbePlan): number {
    return warmUpMs + Math.max(windowMs, leastBatches * batchPeriodMs(batchesOf(this.ranges), rate))
  }

  private isUnclear(plan: ProbePlan, elapsedMs: number): boolean {
    const { rate, warmUpMs, limitMs } = plan
    const observation = { rate, fromMs: warmUpMs, toMs: elapsedMs, settled: this.ranges, seenUntilMs: elapsedMs }
    return (
      decide({ ...observation, generatorLagP99Ms: 0, generatorBusyShare: 0, cores: null, drained: true }, limitMs).outcome === 'unclear'
    )
  }
}

function busyShare({ renderMs }: BlockOutcome, offeringMs: number): number {
  return offeringMs > 0 ? Math.min(1, renderMs / offeringMs) : 0
}

/** Latencies of the records that were due in the window and were stored. */
export function latenciesOf({ fromMs, toMs, settled }: Observation): Recorder {
  const recorder = new Recorder({ fromMs, toMs })
  for (const { count, atMs, dueFirstMs, dueLastMs, failed } of settled) {
    if (!failed) recorder.file('stored', { count, atMs, dueFirstMs, dueLastMs })
  }
  return recorder
}

/** A probe as the document tells it. */
export function describeProbe(
  { decision, observation, outcome, lengthened, cutShort, drainMs, cores }: Probed,
  place: Pick<Probe, 'group' | 'recordsBefore'>,
): Probe {
  const { growth, lateness } = decision
  return {
    rate: observation.rate,
    outcome: decision.outcome,
    sustained: decision.sustained,
    broke: decision.broke,
    evidence: decision.evidence,
    seconds: (observation.toMs - observation.fromMs) / 1000,
    warmUpSeconds: observation.fromMs / 1000,
    lengthened,
    cutShort,
    backlogSlope: growth && { share: growth.slope, interval: { low: growth.low, high: growth.high, confidence: 0.95 } },
    late: { share: lateness.share, records: lateness.records, effectiveRecords: lateness.effective },
    latency: latenciesOf(observation).quantiles('stored') ?? null,
    generatorLagP99Ms: outcome.lag.count === 0 ? 0 : outcome.lag.quantile(0.99),
    generatorBusyShare: busyShare(outcome, observation.toMs),
    coresBusyShare: cores?.busyShare ?? null,
    drainMs,
    ...place,
  }
}
