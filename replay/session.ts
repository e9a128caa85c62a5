/** A session: everything that one `weir run` does, from the store's start to the result document. */
import { randomInt } from 'node:crypto'
import type { Source } from '../generators/source.js'
import { Recorder } from '../results/recorder.js'
import { halfWidth } from '../results/repetitions.js'
import type { Result } from '../results/result.js'
import { meanInterval, seededRandom, shuffled } from '../results/statistics.js'
import { baselineTarget, findTarget } from '../targets/index.js'
import type { TargetModule } from '../targets/target.js'
import { arrangements, Beside, knownAddresses } from './beside.js'
import { type Clock, systemClock } from './clock.js'
import type { BlockRequest, Contender } from './contender.js'
import { buildResult, type Entry } from './document.js'
import { chunkRecords } from './driver.js'
import { generatorCpuPerRecord } from './generator-cost.js'
import { LayoutError, layOut } from './latency-plan.js'
import type { Plan, PlannedTarget } from './plan.js'
import { type PlannedSource, planSource } from './plan-source.js'
import { exportRejects } from './rejects.js'
import { withScratch } from './scratch.js'
import type { Site } from './site.js'
import { byDefault, InterruptedError, Workplace } from './workplace.js'

export { InterruptedError }

/** What a session tells while it works. */
export interface Progress {
  /** What is running: 'worker-pool, block 2 of 4'. */
  readonly label: string
  /** Steps of the whole session done, and all of them; a step is a block or an audit, weighted by its expected length. */
  readonly done: number
  readonly total: number
  /** Records settled per second in the block under way; null between blocks. */
  readonly recordsPerSecond: number | null
}

export interface SessionHooks {
  /** Aborted to stop in order: what was measured so far still becomes a result. */
  readonly signal: AbortSignal
  onProgress(progress: Progress): void
  /** A sentence that the user should see: a target left out, a fallback taken. */
  onNotice(text: string): void
  /** Something beside the result could not be written where it was asked for; the result is whole. Absent: a notice. */
  onUnwritten?(text: string): void
  readonly clock?: Clock
}

/** A block as the session's schedule holds it. */
interface Step {
  readonly contender: Contender
  readonly request: Omit<BlockRequest, 'signal' | 'onProgress'>
  readonly label: string
  readonly weight: number
}

/** A block's place: its round of the repetition's rounds, and the number by which blocks of the same round are told. */
interface Turn {
  readonly round: number
  readonly rounds: number
  readonly index: number
  readonly repetition: number
}

/** What a contender is for. */
interface Place {
  readonly role: string
  readonly months: readonly string[]
  readonly repetition?: number
  readonly chunk?: number
}

/** Repetitions before an interval over them is narrow enough to be believed: over fewer it may be narrow by chance. */
const leastUntil = 5
/** Rounds of the full-speed leg at the most, and how many records a block needs for its drain to be small beside it. */
const maxRounds = 4
const recordsPerRound = 100_000
/** Length of the baseline's and of the null calibration's block in each round. */
const sampleMs = 1000
/** Blocks of the baseline at the least: its sample is bounded, and says by an interval how much that matters. */
const leastBaselineBlocks = 4
/** Small enough for a block of the baseline to end on time. */
const baselineChunk = 256
/** Long enough for the filling of the first batches and the drain to be little beside it, however fast the null store is. */
const nullRecords = 600_000
/** Records that the compiler wants to have seen. */
const warmUpRecords = 200_000
/** Blocks of a latency leg, for the time left. */
const latencyBlocks = 2
/** Length of a block in which questions alone are asked. */
const questionsAloneMs = 2000
/** Expected lengths of the steps, for the time left; a block of a run is 1. */
const stepWeights = { null: 0.3, baseline: 1, run: 1, latency: 3, audit: 2 } as const

export function runSession(plan: Plan, hooks: SessionHooks): Promise<Result> {
  return withScratch('run', async (scratch) => {
    const session = new Session(plan, hooks, scratch, await planSource(plan))
    try {
      return await session.run()
    } catch (error) {
      // Told to stop before there was a contender to note it: whatever broke off did so for that reason.
      throw hooks.signal.aborted ? new InterruptedError() : error
    } finally {
      await session.close()
    }
  })
}

class Session {
  private readonly source: Source
  private readonly records: number
  private readonly clock: Clock
  private readonly workplace: Workplace
  private readonly steps = { done: 0, total: 1 }
  /** Decides the order of blocks. */
  private readonly orderSeed = randomInt(2 ** 31)
  private readonly random = seededRandom(this.orderSeed)

  constructor(
    private readonly plan: Plan,
    private readonly hooks: SessionHooks,
    scratch: string,
    { source, records }: PlannedSource,
  ) {
    this.source = source
    this.records = records
    this.clock = hooks.clock ?? systemClock
    this.workplace = new Workplace({
      plan,
      source,
      scratch,
      clock: this.clock,
      signal: hooks.signal,
      say: (label) => this.say(label),
      onNotice: (text) => hooks.onNotice(text),
    })
  }

  async run(): Promise<Result> {
    const createdAt = new Date()
    await this.workplace.open()
    const calibration = await this.workplace.nullSite()
    const baseline = await this.workplace.baselineSite()

    this.say('measuring the generator')
    const generatorCpu = await generatorCpuPerRecord(this.source)
    const entries = await this.measure(calibration, baseline)
    await this.exportRejects(entries).catch((error: Error) => {
      if (this.hooks.onUnwritten === undefined) this.hooks.onNotice(error.message)
      else this.hooks.onUnwritten(error.message)
    })
    await this.workplace.gatherFacts()
    return buildResult({ plan: this.plan, createdAt, entries, source: this.source, generatorCpu, orderSeed: this.orderSeed })
  }

  /** Stops everything and drops what the run created, unless told to keep it. */
  async close(): Promise<void> {
    await this.workplace.close()
  }

  /** All repetitions: the yardsticks stay the same ones throughout, the runs get fresh tables each time. */
  private async measure(calibration: Site, baseline: Site | undefined): Promise<Entry[]> {
    // The architecture that leaves the driver the most: what is left is the generator's and the driver's own limit.
    const widest = findTarget('worker-pool') as TargetModule
    const months = this.months(this.records)
    const yardstick = async (role: Entry['role'], module: TargetModule, site: Site, chunk?: number): Promise<Entry> => {
      const planned = byDefault(module)
      const throughput = await this.contender(module, planned, site, { role, months, ...(chunk === undefined ? {} : { chunk }) })
      return { role, planned, site, throughput, latency: undefined, latencyPlan: undefined }
    }
    const yardsticks = [await yardstick('null', widest, calibration)]
    if (baseline !== undefined) yardsticks.push(await yardstick('baseline', baselineTarget, baseline, baselineChunk))
    await this.warmUp(widest, calibration)

    const runs: Entry[] = []
    for (let repetition = 1; this.goesOn(runs, repetition); repetition++) {
      const before = runs.filter((entry) => entry.repetition === repetition - 1)
      try {
        await this.retire(before)
        runs.push(...(await this.repetition(repetition, yardsticks)))
      } catch (error) {
        // What the earlier ones measured stays.
        if (repetition === 1 || !this.hooks.signal.aborted) throw error
      }
    }
    for (const { throughput } of yardsticks) await throughput.closeTarget()
    await this.auditAll(yardsticks)
    return [...yardsticks, ...runs]
  }

  /** Whether this repetition is still wanted. */
  private goesOn(runs: readonly Entry[], repetition: number): boolean {
    const { repetitions, until } = this.plan
    if (repetition === 1) return true
    if (repetition > repetitions || this.hooks.signal.aborted) return false
    const last = runs.filter((entry) => entry.repetition === repetition - 1)
    if (last.every(({ throughput }) => throughput.error !== undefined)) return false
    return until === null || repetition <= leastUntil || widestInterval(runs) > until
  }

  /** Each target once on each store, on tables of its own, in blocks that take turns in an order that chance decides. */
  private async repetition(repetition: number, yardsticks: readonly Entry[]): Promise<readonly Entry[]> {
    const { plan, records } = this
    const months = this.months(records)
    const runs: Entry[] = []
    for (const planned of plan.targets) {
      const module = findTarget(planned.name)
      if (module === undefined) throw new Error(`there is no target ${planned.name}`)
      runs.push(...(await this.runsOf(module, planned, months, repetition)))
    }
    const entries = [...yardsticks, ...runs]
    const rounds = plan.length?.kind === 'duration' ? maxRounds : Math.min(maxRounds, Math.max(1, Math.floor(records / recordsPerRound)))
    this.expect(repetition, rounds, entries)
    for (const entry of runs) await this.putBeside(entry, months)
    for (let round = 0; round < rounds; round++) {
      const turn = { round, rounds, index: (repetition - 1) * rounds + round, repetition }
      for (const entry of shuffled(entries, this.random)) await this.throughputBlocks(entry, turn, records)
    }
    for (const { throughput, beside } of runs) {
      await beside?.close()
      for (const contender of [throughput, ...Object.values(beside?.options.contenders ?? {})]) await contender.closeTarget()
    }
    if (plan.latencyLeg) await this.latencyLegs(runs, records, repetition)
    await this.auditAll(runs)
    return runs
  }

  /** How much there is to do from this repetition on, as far as that is known. */
  private expect(repetition: number, rounds: number, entries: readonly Entry[]): void {
    const { plan, steps } = this
    const besides = plan.analyticsRate === null ? 0 : arrangements.length * stepWeights.run
    const perRound = entries.reduce((sum, entry) => sum + stepWeights[entry.role] + (entry.role === 'run' ? besides : 0), 0)
    const perRun = (plan.latencyLeg ? latencyBlocks * stepWeights.latency : 0) + stepWeights.audit
    const perRepetition = rounds * perRound + entries.filter(({ role }) => role === 'run').length * perRun
    const wanted = plan.until === null ? plan.repetitions : Math.min(plan.repetitions, Math.max(leastUntil, repetition))
    steps.total = steps.done + (wanted - repetition + 1) * perRepetition
  }

  /** Lets go of the tables of an earlier repetition; what the document says of them is read before. */
  private async retire(entries: readonly Entry[]): Promise<void> {
    for (const contender of entries.flatMap(contendersOf)) {
      await contender.note()
      await this.workplace.dispose(contender)
    }
  }

  /** One run of a target on each store that it can use. */
  private async runsOf(
    module: TargetModule,
    planned: PlannedTarget,
    months: readonly string[],
    repetition: number,
  ): Promise<readonly Entry[]> {
    const entries: Entry[] = []
    const reasons: string[] = []
    for (const site of this.workplace.sites) {
      const throughput = await this.contender(module, planned, site, { role: 'run', months, repetition })
      const reason = module.unsupported?.(throughput.store)
      if (reason === undefined)
        entries.push({ role: 'run', planned, site, repetition, throughput, latency: undefined, latencyPlan: undefined })
      else reasons.push(`on the store ${site.label}: ${reason}`)
    }
    if (reasons.length > 0 && repetition === 1) {
      if (this.plan.targetsNamed && entries.length === 0) throw new UnsupportedError(`${module.name} cannot run ${reasons.join('; ')}`)
      this.hooks.onNotice(`${module.name} is left out ${reasons.join('; ')}`)
    }
    return entries
  }

  /** Runs the null calibration unmeasured until the compiler has seen enough records, several times where the source is short. */
  private async warmUp(module: TargetModule, calibration: Site): Promise<void> {
    for (let seen = 0, passes = 0; seen < warmUpRecords && passes < 10 && !this.hooks.signal.aborted; passes++) {
      const contender = await this.contender(module, byDefault(module), calibration, { role: 'warm', months: [] })
      await contender.run({ index: 0, records: Math.min(this.records, warmUpRecords), signal: this.hooks.signal })
      await contender.closeTarget()
      if (contender.ledger.offered === 0) return
      seen += contender.ledger.offered
    }
  }

  /** The analytics side beside a run, when it is asked for: a contender of its own for each arrangement. */
  private async putBeside(entry: Entry, months: readonly string[]): Promise<void> {
    const { analyticsRate: rate } = this.plan
    const { spec } = this.source
    const { throughput, planned, site, repetition = 1 } = entry
    if (rate === null || spec.kind !== 'stream') return
    const reason = throughput.store.lacks.analytics
    if (reason !== undefined) {
      this.hooks.onNotice(`${this.nameOf(throughput)} is measured without the analytics side: ${reason}`)
      return
    }
    const { module } = throughput.spec
    const contenders = {
      combined: await this.contender(module, planned, site, { role: 'combined', months, repetition }),
      separated: await this.contender(module, planned, site, { role: 'separated', months, repetition }),
    }
    entry.beside = new Beside({
      spec,
      addresses: await knownAddresses(this.source),
      rate,
      clock: this.clock,
      alone: throughput,
      contenders,
    })
  }

  /** A round's block of a contender; with the analytics side: its blocks too, next to it, in an order that changes. */
  private async throughputBlocks(entry: Entry, turn: Turn, records: number): Promise<void> {
    const { throughput, beside } = entry
    const { round, rounds } = turn
    const blocks: (() => Promise<void>)[] = [() => this.throughputBlock(entry, throughput, turn, records)]
    for (const arrangement of beside === undefined ? [] : arrangements) {
      const contender = beside?.options.contenders[arrangement]
      if (contender === undefined) continue
      blocks.push(async () => {
        const block = () => this.throughputBlock(entry, contender, turn, records, `${arrangement} with analytics, `)
        await this.withQuestions(contender, () => beside?.during(arrangement, round, block))
      })
    }
    for (const block of shuffled(blocks, this.random)) await block()
    if (beside !== undefined && !this.hooks.signal.aborted) {
      this.say(`analytics alone, on ${this.nameOf(throughput)}, block ${round + 1} of ${rounds}`)
      await this.withQuestions(throughput, () => beside.alone(round, questionsAloneMs))
    }
  }

  /** What goes wrong with the questions is the run's trouble, and does not end the others. */
  private async withQuestions(contender: Contender, work: () => Promise<unknown> | undefined): Promise<void> {
    try {
      await work()
    } catch (error) {
      contender.error ??= error instanceof Error ? error : new Error(String(error))
    }
  }

  private async throughputBlock(
    { role }: Entry,
    contender: Contender,
    { round, rounds, index, repetition }: Turn,
    records: number,
    kind = '',
  ): Promise<void> {
    const { length } = this.plan
    // Rounds share the records out evenly: round r ends at floor((r + 1) n / rounds).
    const share = Math.floor(((round + 1) * records) / rounds) - Math.floor((round * records) / rounds)
    const timed = length?.kind === 'duration' ? { durationMs: length.durationMs / rounds } : {}
    const request =
      role === 'null'
        ? { records: this.source.spec.kind === 'stream' ? nullRecords : Math.min(share, nullRecords) }
        : { records: share, ...timed }
    const name = role === 'null' ? 'null calibration' : role === 'baseline' ? 'baseline' : this.nameOf(contender)
    const label = `${name}, ${kind}${this.runOf(repetition)}block ${round + 1} of ${rounds}`
    if (role !== 'baseline') await this.block({ contender, request: { index, ...request }, label, weight: stepWeights[role] })
    else await this.baselineBlocks(contender, { index, label, records: share, pieces: Math.ceil(leastBaselineBlocks / rounds) })
  }

  /** A round's sample of the baseline, in pieces where the rounds alone would be too few for an interval. */
  private async baselineBlocks(
    contender: Contender,
    {
      index,
      label,
      records,
      pieces,
    }: { readonly index: number; readonly label: string; readonly records: number; readonly pieces: number },
  ): Promise<void> {
    const request = { records: Math.ceil(records / pieces), durationMs: sampleMs / pieces }
    for (let piece = 0; piece < pieces; piece++) {
      await this.block({ contender, request: { index: index * pieces + piece, ...request }, label, weight: stepWeights.baseline / pieces })
    }
  }

  private async latencyLegs(entries: readonly Entry[], records: number, repetition: number): Promise<void> {
    const { plan } = this
    for (const entry of entries) {
      const { throughput, planned } = entry
      const reached = (throughput.ledger.tally.stored * 1000) / throughput.elapsedMs
      if (throughput.error !== undefined || this.hooks.signal.aborted) continue
      const layout = await layOut({ plan, source: this.source, records, reached, runs: entries.length }).catch((error: unknown) => {
        if (!(error instanceof LayoutError)) throw error
        this.hooks.onNotice(`${this.nameOf(throughput)} has no latency leg: ${error.message}`)
        return undefined
      })
      if (layout === undefined) continue
      const months = this.months(layout.blockRecords * layout.blocks)
      entry.latency = await this.contender(throughput.spec.module, planned, entry.site, { role: 'latency', months, repetition })
      entry.latencyPlan = { ...layout, recorders: [], outcomes: [] }
    }
    const blocks = Math.max(0, ...entries.map(({ latencyPlan }) => latencyPlan?.blocks ?? 0))
    for (let round = 0; round < blocks; round++) {
      for (const entry of shuffled(entries, this.random)) {
        const { latency, latencyPlan } = entry
        if (latency === undefined || latencyPlan === undefined) continue
        const recorder = new Recorder({ fromMs: latencyPlan.warmMs, toMs: latencyPlan.blockMs })
        const { rate, blockRecords, warmMs } = latencyPlan
        const outcome = await this.block({
          contender: latency,
          request: { index: round, records: blockRecords, arrivals: latencyPlan.arrivals(round), windowFromMs: warmMs, recorder },
          label: `${this.nameOf(latency)} at ${Math.round(rate).toLocaleString('en')}/s, ${this.runOf(repetition)}block ${round + 1} of ${blocks}`,
          weight: stepWeights.latency,
        })
        if (outcome === undefined) continue
        latencyPlan.recorders.push(recorder)
        latencyPlan.outcomes.push(outcome)
      }
    }
    for (const { latency } of entries) await latency?.closeTarget()
  }

  /** Runs one block, unless the session or the contender has ended; what goes wrong with it is noted and does not end the others. */
  private async block({ contender, request, label, weight }: Step) {
    const { signal } = this.hooks
    if (contender.error !== undefined || signal.aborted) {
      contender.interrupted ||= signal.aborted
      return undefined
    }
    const share = request.records
    try {
      await this.workplace.settle()
      const begin = this.clock.now()
      const before = contender.ledger.offered - contender.ledger.outstanding
      this.say(label)
      const outcome = await contender.run({
        ...request,
        signal,
        onProgress: (settled) => {
          const elapsed = this.clock.now() - begin
          const done = settled - before
          this.say(
            label,
            Math.min(1, request.durationMs === undefined ? done / share : elapsed / request.durationMs),
            elapsed > 0 ? (done * 1000) / elapsed : null,
          )
        },
      })
      this.steps.done += weight
      contender.deferred.settled(await this.workplace.settled(contender.spec.site))
      return outcome
    } catch (error) {
      this.workplace.unsettle(contender.spec.site)
      if (signal.aborted) contender.interrupted = true
      else contender.error = error instanceof Error ? error : new Error(String(error))
      // What was under way may still get its last word.
      await contender.closeTarget().catch(() => undefined)
      contender.ledger.abandon()
      return undefined
    }
  }

  private contender(
    module: TargetModule,
    planned: PlannedTarget,
    site: Site,
    { role, months, repetition = 1, chunk }: Place,
  ): Promise<Contender> {
    const { plan } = this
    return this.workplace.contender({
      module,
      planned,
      site,
      role: repetition === 1 ? role : `${role}_r${repetition}`,
      months,
      ...probing(plan, role),
      ...(chunk === undefined ? {} : { chunkRecords: chunk }),
      ...retentionIn(plan, role),
    })
  }

  private months(records: number): readonly string[] {
    return this.source.months(0, this.plan.length?.kind === 'duration' ? chunkRecords : records) ?? []
  }

  /** Audits, two at a time: nothing is measured any more, and one keeps no machine busy. */
  private async auditAll(entries: readonly Entry[]): Promise<void> {
    const waiting = entries.flatMap((entry) => contendersOf(entry).map((contender) => ({ entry, contender })))
    const hand = async () => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        const { entry, contender } = next
        await this.audit(entry, contender)
        if (entry.role === 'run') this.steps.done += stepWeights.audit / (entry.latency === undefined ? 1 : 2)
      }
    }
    await Promise.all([hand(), hand()])
  }

  private async audit({ role, latency }: Entry, contender: Contender): Promise<void> {
    if (role === 'null') return
    await this.workplace.audit(contender, contender === latency ? 'latency' : role === 'baseline' ? 'baseline' : 'throughput')
  }

  private async exportRejects(entries: readonly Entry[]): Promise<void> {
    const path = this.plan.exportRejects
    if (path === null) return
    // Every repetition rejects the same lines, and only the last one's tables are still there.
    const last = Math.max(...entries.map(({ repetition = 0 }) => repetition))
    const runs = entries.filter((entry) => entry.role === 'run' && entry.repetition === last)
    await exportRejects(
      path,
      runs.map(({ throughput, site }) => ({ target: throughput.name, on: site.label, store: throughput.store })),
    )
  }

  private runOf(repetition: number): string {
    const { repetitions, until } = this.plan
    if (repetitions === 1) return ''
    return until === null ? `run ${repetition} of ${repetitions}, ` : `run ${repetition}, `
  }

  private nameOf(contender: Contender): string {
    return this.workplace.nameOf(contender)
  }

  private say(label: string, part = 0, recordsPerSecond: number | null = null): void {
    this.hooks.onProgress({ label, done: this.steps.done + part, total: this.steps.total, recordsPerSecond })
  }
}

/** A target was asked for by name on a store that it cannot use. */
export class UnsupportedError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'UnsupportedError'
  }
}

function contendersOf({ throughput, latency, beside }: Entry): readonly Contender[] {
  return [throughput, ...(latency === undefined ? [] : [latency]), ...Object.values(beside?.options.contenders ?? {})]
}

/** Half the width, as a share, of the widest interval of a throughput over its repetitions. */
function widestInterval(runs: readonly Entry[]): number {
  const rates = new Map<string, number[]>()
  for (const { throughput, site } of runs) {
    if (throughput.error !== undefined || throughput.elapsedMs === 0) continue
    const key = `${throughput.name} on ${site.label}`
    rates.set(key, [...(rates.get(key) ?? []), (throughput.ledger.tally.stored * 1000) / throughput.elapsedMs])
  }
  return Math.max(
    ...[...rates.values()].map((values) => {
      const { mean, interval } = meanInterval(values)
      return halfWidth(mean, interval)
    }),
  )
}

/** Months are dropped under the targets that are measured, in both legs; the baseline's sample is too short for it. */
function retentionIn({ parameters: { keepMonths } }: Plan, role: string): { readonly keepMonths?: number } {
  return keepMonths === undefined || (role !== 'run' && role !== 'latency') ? {} : { keepMonths }
}

/** Visibility is probed where latency is measured, and at full speed only where there is no such leg, more rarely then. */
function probing({ latencyLeg }: Plan, role: string): { readonly probeEveryMs?: number } {
  if (role === 'latency') return { probeEveryMs: 100 }
  return role === 'run' && !latencyLeg ? { probeEveryMs: 500 } : {}
}
