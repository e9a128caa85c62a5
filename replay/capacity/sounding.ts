/** A sounding: the search for one target's capacity on one store, and its latency below that. */
import type { End, LatencyPoint, Probe } from '../../results/capacity/report.js'
import { type Answer, type Estimate, estimate, nextStep } from '../../results/capacity/search.js'
import type { Clock } from '../clock.js'
import { describeProbe, latenciesOf, type Probed, type ProbePlan } from './probing.js'
import type { Tables } from './tables.js'

export interface SoundingOptions {
  /** p99 from due to stored, milliseconds. */
  readonly limitMs: number
  readonly precision: number
  /** Time for the probes of the search, milliseconds. */
  readonly budgetMs: number
  readonly clock: Clock
  readonly signal: AbortSignal
  /** Fresh tables with an open target; what the group before left has been waited for. */
  fresh(purpose: Tables['purpose']): Promise<Tables>
  /** Called with what is being done and how many milliseconds of the sounding's length are over. */
  say(label: string, doneMs: number): void
}

/** Lengths in milliseconds, from the budget: of the whole default budget a probe is a twentieth. */
export interface Lengths {
  readonly warmUpMs: number
  readonly windowMs: number
  readonly longestMs: number
  readonly latencyMs: number
  readonly burstMs: number
}

/** Rates at which latency is measured, as shares of the capacity. */
export const latencyShares = [0.5, 0.7, 0.9] as const

/** How often latency is measured at the most, when the rates turn out not to be kept. */
const latencyRounds = 3

const usualWindowMs = 3000
const longestWindowMs = 8000
const shortestWindowMs = 400
/** Above so many records a group's tables are left and fresh ones begun, so that no probe pays for the growth of all before. */
const recordsPerGroup = 4_000_000

export function lengthsOf(budgetMs: number): Lengths {
  const windowMs = Math.min(usualWindowMs, Math.max(shortestWindowMs, budgetMs / 20))
  return {
    warmUpMs: Math.max(200, windowMs / 3),
    windowMs,
    longestMs: Math.max(2 * windowMs, longestWindowMs),
    latencyMs: 2 * windowMs,
    burstMs: Math.max(500, windowMs / 2),
  }
}

export class Sounding {
  readonly groups: Tables[] = []
  readonly probes: Probe[] = []
  readonly answers: Answer[] = []
  latencies: readonly LatencyPoint[] = []
  fullSpeed: { readonly recordsPerSecond: number; readonly seconds: number } | null = null
  end: End = 'budget'
  error: Error | undefined
  readonly lengths: Lengths
  private spentMs = 0
  /** What the rates at which latency was measured were as probes. */
  private readonly checks: { readonly rate: number; readonly kept: boolean }[] = []

  constructor(private readonly options: SoundingOptions) {
    this.lengths = lengthsOf(options.budgetMs)
  }

  /** What is known of the capacity; undefined before the burst. */
  get estimate(): Estimate | undefined {
    const { fullSpeed } = this
    return fullSpeed === null
      ? undefined
      : estimate(this.answers, { fullSpeed: fullSpeed.recordsPerSecond, precision: this.options.precision })
  }

  /** Records per second that are sustained, as far as is known; null when nothing was. */
  get capacity(): number | null {
    const { estimate, end } = this
    const sustained = this.answers.filter((answer) => answer.sustained > 0.5)
    if (estimate === undefined || sustained.length === 0 || end === 'never') return null
    // Where nothing limited the target, the highest rate that it kept is all that is known.
    if (end === 'always' || end === 'generator') return this.highestKept
    return estimate.recordsPerSecond
  }

  /** A rate that was kept once, while a lower one was not, is no rate that is kept. */
  private get highestKept(): number | null {
    const seen = [...this.checks, ...this.answers.map(({ rate, sustained }) => ({ rate, kept: sustained > 0.5 }))]
    const missed = Math.min(...seen.filter(({ kept }) => !kept).map(({ rate }) => rate))
    const kept = seen.filter((one) => one.kept && one.rate < missed).map(({ rate }) => rate)
    return kept.length === 0 ? null : Math.max(...kept)
  }

  /** The full-speed burst that brackets the search: unmeasured at first, until compilers and caches are warm. */
  async burst(): Promise<void> {
    await this.attempt(async () => {
      const tables = await this.fresh('full speed')
      const { burstMs } = this.lengths
      this.options.say('at full speed', 0)
      const request = { records: Number.MAX_SAFE_INTEGER, signal: this.options.signal }
      await tables.contender.run({ index: 0, durationMs: burstMs / 2, ...request })
      const { stored, elapsedMs } = await tables.contender.run({ index: 1, durationMs: burstMs, ...request })
      if (!(stored > 0 && elapsedMs > 0)) throw new Error('nothing was stored at full speed: there is no capacity to search for')
      this.fullSpeed = { recordsPerSecond: (stored * 1000) / elapsedMs, seconds: elapsedMs / 1000 }
      await tables.contender.closeTarget()
    })
  }

  /** Probes rates until the capacity is known well enough or the budget is spent. */
  async search(): Promise<void> {
    await this.attempt(async () => {
      if (this.fullSpeed === null) return
      const { budgetMs, precision } = this.options
      const known = { fullSpeed: this.fullSpeed.recordsPerSecond, precision }
      const plan = { ...this.lengths, limitMs: this.options.limitMs }
      let voids = 0
      for (;;) {
        const step = nextStep(this.answers, known)
        if (step.kind === 'done') {
          this.end = step.end
          return
        }
        if (this.spentMs + plan.warmUpMs + plan.windowMs > budgetMs) return
        const { decision } = await this.probe({ ...plan, rate: step.rate }, 'search')
        voids = decision.outcome === 'void' ? voids + 1 : 0
        // Once is bad luck; twice at the same rate is a limit, and Weir's own.
        if (voids === 2) {
          this.end = 'generator'
          return
        }
        // A window too short for its batches has no answer, unless something else broke: the same rate is asked again.
        const told = decision.growth !== null || decision.outcome === 'not sustained'
        if (voids === 0 && told) this.answers.push({ rate: step.rate, sustained: decision.sustained })
      }
    })
    await this.groups.at(-1)?.contender.closeTarget()
  }

  /**
   * Latency at shares of the capacity, on fresh tables. Where the capacity is the highest rate that was kept, these rates are
   * a check of it: when one of them is not kept, it was too high, and latency is measured again below what is left of it.
   */
  async measureLatency(): Promise<void> {
    let measuredAt = this.capacity
    await this.attempt(async () => {
      for (let round = 0; round < latencyRounds; round++) {
        const { capacity } = this
        if (capacity === null) break
        measuredAt = capacity
        this.latencies = []
        for (const share of latencyShares) {
          const { warmUpMs, latencyMs: windowMs } = this.lengths
          const plan = { rate: share * capacity, warmUpMs, windowMs, longestMs: windowMs, limitMs: this.options.limitMs }
          const probed = await this.probe(plan, 'latency')
          this.checks.push({ rate: plan.rate, kept: probed.decision.outcome === 'sustained' })
          const point = pointOf(share, probed)
          if (point !== undefined) this.latencies = [...this.latencies, point]
          if (this.capacity !== capacity && round < latencyRounds - 1) break
        }
        if (this.capacity === capacity) break
      }
    })
    const { capacity } = this
    if (capacity !== measuredAt) {
      const shares = this.latencies.map((point) => ({ ...point, share: point.rate / (capacity ?? 0) }))
      this.latencies = shares.filter(({ share }) => share <= 1)
    }
    await this.groups.at(-1)?.contender.closeTarget()
  }

  private async probe(plan: ProbePlan, purpose: Tables['purpose']): Promise<Probed> {
    const { clock, signal, say } = this.options
    const last = this.groups.at(-1)
    const inLast = last?.purpose === purpose && last.contender.ledger.offered < recordsPerGroup
    if (!inLast) await last?.contender.closeTarget()
    const tables = inLast ? last : await this.fresh(purpose)
    const recordsBefore = tables.contender.ledger.offered
    say(`${purpose}: ${Math.round(plan.rate).toLocaleString('en')}/s, probe ${this.probes.length + 1}`, this.spentMs)
    const begin = clock.now()
    const probed = await tables.prober.probe(tables.contender, plan, { signal })
    this.spentMs += clock.now() - begin
    tables.probes++
    this.probes.push(describeProbe(probed, { group: tables.number, recordsBefore }))
    return probed
  }

  private async fresh(purpose: Tables['purpose']): Promise<Tables> {
    const tables = await this.options.fresh(purpose)
    this.groups.push(tables)
    return tables
  }

  /** What goes wrong ends the sounding, and what was found stays. */
  private async attempt(work: () => Promise<void>): Promise<void> {
    if (this.error !== undefined || this.options.signal.aborted) {
      if (this.options.signal.aborted) this.end = 'interrupted'
      return
    }
    try {
      await work()
    } catch (error) {
      this.end = this.options.signal.aborted ? 'interrupted' : 'failed'
      if (!this.options.signal.aborted) this.error = error instanceof Error ? error : new Error(String(error))
      const contender = this.groups.at(-1)?.contender
      if (contender !== undefined) {
        if (this.error !== undefined) contender.error = this.error
        // What was under way may still get its last word.
        await contender.closeTarget().catch(() => undefined)
        contender.ledger.abandon()
      }
    }
  }
}

function pointOf(share: number, { decision, observation }: Probed): LatencyPoint | undefined {
  const recorder = latenciesOf(observation)
  const quantiles = recorder.quantiles('stored')
  if (quantiles === undefined) return undefined
  const around = (q: number) => recorder.interval('stored', q) ?? null
  return {
    share,
    rate: observation.rate,
    count: recorder.count('stored'),
    seconds: (observation.toMs - observation.fromMs) / 1000,
    ...quantiles,
    intervals: { p50: around(0.5), p90: around(0.9), p99: around(0.99), p999: around(0.999) },
    outcome: decision.outcome,
  }
}
