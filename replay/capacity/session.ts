/** A capacity session: everything that one `weir capacity` does, from the stores' start to the document. */
import type { Source } from '../../generators/source.js'
import type { CapacityResult } from '../../results/capacity/report.js'
import { baselineTarget, findTarget } from '../../targets/index.js'
import type { TargetModule } from '../../targets/target.js'
import { type Clock, systemClock } from '../clock.js'
import type { Contender } from '../contender.js'
import { chunkRecords } from '../driver.js'
import { generatorCpuPerRecord } from '../generator-cost.js'
import type { PlannedTarget } from '../plan.js'
import { planSource } from '../plan-source.js'
import { withScratch } from '../scratch.js'
import { type SessionHooks, UnsupportedError } from '../session.js'
import type { Site } from '../site.js'
import { byDefault, InterruptedError, Workplace } from '../workplace.js'
import { buildCapacityResult, type Sounded } from './document.js'
import type { CapacityPlan } from './plan.js'
import { Prober } from './probing.js'
import { Sounding } from './sounding.js'
import type { Tables } from './tables.js'

/** Length of a block of the baseline, with a small budget as much of it. Two of them lie before, between and after each search's parts. */
const baselineMs = 600
const baselineShare = 1 / 25
const baselineBlocks = 2
/** Small enough for a block of the baseline to end on time. */
const baselineChunk = 256
const nullRecords = 200_000
const nullBlocks = 2

/**
 * Searches for the capacity of each target on each store, one after the other.
 * @throws InterruptedError when it was stopped before anything was measured, UnsupportedError when a target cannot use a store
 */
export function runCapacity(asked: CapacityPlan, hooks: SessionHooks): Promise<CapacityResult> {
  return withScratch('run', async (scratch) => {
    const { source } = await planSource(asked.plan)
    const session = new CapacitySession(asked, hooks, scratch, source)
    try {
      return await session.run()
    } catch (error) {
      throw hooks.signal.aborted ? new InterruptedError() : error
    } finally {
      await session.close()
    }
  })
}

class CapacitySession {
  private readonly clock: Clock
  private readonly workplace: Workplace
  private baseline: Contender | undefined
  private readonly steps = { done: 0, total: 1 }
  private label = ''
  /** How much of the sounding under way is done, 0 to 1. */
  private part = 0

  constructor(
    private readonly asked: CapacityPlan,
    private readonly hooks: SessionHooks,
    scratch: string,
    private readonly source: Source,
  ) {
    this.clock = hooks.clock ?? systemClock
    this.workplace = new Workplace({
      plan: asked.plan,
      source,
      scratch,
      clock: this.clock,
      signal: hooks.signal,
      say: (label) => this.say(label),
      onNotice: (text) => hooks.onNotice(text),
    })
  }

  async run(): Promise<CapacityResult> {
    const { workplace } = this
    const createdAt = new Date()
    await workplace.open()
    const pairs = await this.pairs()
    const calibration = await this.calibrate(await workplace.nullSite())
    const baselineSite = await workplace.baselineSite()
    if (baselineSite !== undefined) this.baseline = await this.baselineOn(baselineSite)
    this.say('measuring the generator')
    const generatorCpu = await generatorCpuPerRecord(this.source)
    this.steps.total = pairs.length
    const sounded: Sounded[] = []
    for (const { module, planned, site } of pairs) {
      if (this.hooks.signal.aborted) break
      sounded.push(await this.sound(module, planned, site))
      this.steps.done++
      this.part = 0
    }
    await this.auditBaseline()
    await workplace.gatherFacts()
    if (sounded.every(({ sounding }) => sounding.probes.length === 0) && this.hooks.signal.aborted) throw new InterruptedError()
    const { asked, source, baseline, hooks } = this
    const interrupted = hooks.signal.aborted
    return buildCapacityResult({ ...asked, createdAt, sounded, source, generatorCpu, calibration, baseline, interrupted })
  }

  /** Stops everything and drops what was created. */
  async close(): Promise<void> {
    await this.workplace.close()
  }

  /** Each target on each store. @throws UnsupportedError when one cannot use the other */
  private async pairs() {
    const pairs: { readonly module: TargetModule; readonly planned: PlannedTarget; readonly site: Site }[] = []
    for (const planned of this.asked.plan.targets) {
      const module = findTarget(planned.name)
      if (module === undefined) throw new Error(`there is no target ${planned.name}`)
      for (const site of this.workplace.sites) {
        const reason = await this.workplace.unsupported(module, site)
        if (reason !== undefined) throw new UnsupportedError(`${module.name} cannot run on the store ${site.label}: ${reason}`)
        pairs.push({ module, planned, site })
      }
    }
    return pairs
  }

  /** The search for one target on one store, with blocks of the baseline between its parts, then the audits. */
  private async sound(module: TargetModule, planned: PlannedTarget, site: Site): Promise<Sounded> {
    const { limitMs, precision, budgetMs } = this.asked
    const name = this.workplace.sites.length > 1 ? `${module.name} on ${site.label}` : module.name
    let groups = 0
    const sounding = new Sounding({
      limitMs,
      precision,
      budgetMs,
      clock: this.clock,
      signal: this.hooks.signal,
      fresh: (purpose) => this.fresh(module, planned, site, purpose, groups++),
      say: (label, spentMs) => this.say(`${name}, ${label}`, Math.min(0.95, spentMs / (budgetMs * 1.5))),
    })
    const audited = new Set<Tables>()
    await this.measureBaseline()
    await sounding.burst()
    await this.measureBaseline()
    await sounding.search()
    await this.auditGroups(sounding, audited)
    await this.measureBaseline()
    const sounded: Sounded = { planned, site, sounding, module }
    await sounding.measureLatency()
    await this.auditGroups(sounding, audited)
    await this.measureBaseline()
    return sounded
  }

  /** Tables of its own for a group of probes. Nobody begins before what others left to do is done. */
  private async fresh(
    module: TargetModule,
    planned: PlannedTarget,
    site: Site,
    purpose: Tables['purpose'],
    number: number,
  ): Promise<Tables> {
    const { keepMonths } = this.asked.plan.parameters
    const prober = new Prober(this.source, this.clock)
    const contender = await this.workplace.contender({
      module,
      planned,
      site,
      role: `${purpose === 'full speed' ? 'burst' : purpose}${number}`,
      months: this.months(),
      source: prober.source,
      onlooker: prober,
      ...(keepMonths === undefined ? {} : { keepMonths }),
    })
    await contender.ready()
    await this.workplace.settle()
    return { number, purpose, contender, prober, probes: 0 }
  }

  /** Audits what is written, and frees the disk of it. */
  private async auditGroups({ groups }: Sounding, audited: Set<Tables>): Promise<void> {
    for (const tables of groups) {
      if (audited.has(tables)) continue
      audited.add(tables)
      await this.workplace.audit(tables.contender, tables.purpose)
      await this.workplace.dispose(tables.contender)
    }
  }

  private async calibrate(site: Site): Promise<Contender> {
    const widest = findTarget('worker-pool') ?? baselineTarget
    const contender = await this.workplace.contender({ module: widest, planned: byDefault(widest), site, role: 'null', months: [] })
    this.say('null calibration')
    // The first pass is for the compiler.
    const warm = await this.workplace.contender({ module: widest, planned: byDefault(widest), site, role: 'warm', months: [] })
    const { signal } = this.hooks
    for (let pass = 0; pass < nullBlocks; pass++) await warm.run({ index: pass, records: nullRecords, signal })
    await warm.closeTarget()
    for (let index = 0; index < nullBlocks; index++) await contender.run({ index, records: nullRecords, signal })
    await contender.closeTarget()
    return contender
  }

  private baselineOn(site: Site): Promise<Contender> {
    const planned = byDefault(baselineTarget)
    const request = { module: baselineTarget, planned, site, role: 'baseline', months: this.months(), chunkRecords: baselineChunk }
    return this.workplace.contender(request)
  }

  private async measureBaseline(): Promise<void> {
    const { baseline, hooks, workplace } = this
    if (baseline === undefined || baseline.error !== undefined || hooks.signal.aborted) return
    this.say('baseline')
    let broken = false
    try {
      await workplace.settle()
      const durationMs = Math.min(baselineMs, this.asked.budgetMs * baselineShare)
      for (let block = 0; block < baselineBlocks; block++) {
        await baseline.run({ index: baseline.blocks.length, records: Number.MAX_SAFE_INTEGER, durationMs, signal: hooks.signal })
        await workplace.settled(baseline.spec.site)
      }
    } catch (error) {
      broken = true
      if (!hooks.signal.aborted) baseline.error = error instanceof Error ? error : new Error(String(error))
    }
    // It holds a connection, and its next block is a search away.
    await baseline.closeTarget().catch(() => undefined)
    // What was under way may have got its last word till now.
    if (broken) baseline.ledger.abandon()
  }

  private async auditBaseline(): Promise<void> {
    if (this.baseline !== undefined) await this.workplace.audit(this.baseline, 'baseline')
  }

  private months(): readonly string[] {
    return this.source.months(0, chunkRecords) ?? []
  }

  /** Without a part the work goes on where it was. */
  private say(label: string, part = this.part): void {
    if (part === this.part && label === this.label) return
    this.label = label
    this.part = part
    this.hooks.onProgress({ label, done: this.steps.done + part, total: this.steps.total, recordsPerSecond: null })
  }
}
