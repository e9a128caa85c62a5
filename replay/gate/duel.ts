/** Two builds side by side on one server: short blocks that take turns in random order, tables as old on one side as on the other. */
import { randomBytes } from 'node:crypto'
import type { StreamSpec } from '../../generators/source.js'
import { addAudits } from '../../results/add-audits.js'
import type { GateMetric, GatePair } from '../../results/gate.js'
import type { Audit } from '../../results/result.js'
import type { Random } from '../../results/statistics.js'
import type { Durability, PartitionKey } from '../../stores/store.js'
import { type Clock, systemClock } from '../clock.js'
import type { PlannedStore } from '../plan.js'
import { openSite } from '../site.js'
import { OtherBuild } from './other-build.js'
import { type BlockDone, gateProtocol, type Opened } from './protocol.js'

export interface DuelPlan {
  /** cli/main.js of each build. */
  readonly base: string
  readonly candidate: string
  readonly store: PlannedStore
  readonly durability: 'power' | 'process'
  readonly target: string
  readonly options: Readonly<Record<string, number | boolean>>
  readonly source: StreamSpec
  readonly layout: { readonly partitionKey: PartitionKey; readonly partitions: number }
  readonly metric: GateMetric
  /** All of it: server, warm-up, blocks and audits, milliseconds. */
  readonly budgetMs: number
  /** Length of a block, milliseconds. */
  readonly blockMs: number
}

export interface DuelHooks {
  readonly signal: AbortSignal
  readonly random: Random
  onProgress(label: string, done: number): void
  readonly clock?: Clock
}

export interface SideSeen {
  readonly opened: Opened
  readonly audit: Audit | null
  readonly findings: readonly string[]
}

export interface Duel {
  readonly pairs: readonly GatePair[]
  readonly base: SideSeen
  readonly candidate: SideSeen
  readonly storeVersion: string
  readonly storeName: string
  readonly durability: Durability
  /** Records of a block, and all that both sides stored. */
  readonly blockRecords: number
  readonly records: number
  readonly elapsedMs: number
  readonly interrupted: boolean
}

/** The two sides differ in what they leave behind: there is nothing to compare. */
export class DuelRefused extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'DuelRefused'
  }
}

/** Pairs on the same tables, before both sides get fresh ones. */
const pairsPerTables = 10
/** The first blocks are for the compiler and not counted: this many records, and at least so many blocks. */
const warmUpRecords = 100_000
/** Where latency is compared: the share of the base's full speed that both sides are offered. */
const rateShare = 0.5

type Name = 'base' | 'candidate'
const names: readonly Name[] = ['base', 'candidate']

/** @throws SideError, DuelRefused, or whatever the server's start throws; nothing is left behind then */
export async function duel(plan: DuelPlan, hooks: DuelHooks): Promise<Duel> {
  const clock = hooks.clock ?? systemClock
  const begunMs = clock.now()
  hooks.onProgress(`starting ${plan.store.name}`, 0)
  const site = await openSite(plan.store, { durability: plan.durability, dataDirectory: null })
  const sides: Partial<Record<Name, OtherBuild>> = {}
  try {
    for (const name of names) sides[name] = new OtherBuild(name, plan[name])
    const running = new Running(plan, hooks, clock, begunMs, site.server, sides as Record<Name, OtherBuild>)
    const seen = await running.run()
    const { version } = await site.server.facts()
    return {
      ...seen,
      storeVersion: version,
      storeName: site.server.store,
      durability: site.durability,
      elapsedMs: clock.now() - begunMs,
      interrupted: hooks.signal.aborted,
    }
  } finally {
    await Promise.all(names.map((name) => sides[name]?.close()))
    await site.server.close()
  }
}

type Server = Awaited<ReturnType<typeof openSite>>['server']

class Running {
  private readonly id = randomBytes(4).toString('hex')
  private readonly pairs: GatePair[] = []
  private readonly audits: Record<Name, Audit[]> = { base: [], candidate: [] }
  private readonly findings: Record<Name, string[]> = { base: [], candidate: [] }
  private blockRecords = 0
  private records = 0
  private rate: number | undefined
  /** How long a round of tables took, the last time: another one begins only if it fits. */
  private roundMs = 0

  constructor(
    private readonly plan: DuelPlan,
    private readonly hooks: DuelHooks,
    private readonly clock: Clock,
    private readonly begunMs: number,
    private readonly server: Server,
    private readonly sides: Record<Name, OtherBuild>,
  ) {}

  async run() {
    const opened = await this.open()
    const image = new Set(names.map((name) => opened[name].image))
    if (image.size > 1) throw new DuelRefused(`the base leaves ${opened.base.image} behind and the candidate ${opened.candidate.image}`)
    for (let round = 0; round === 0 || this.fits(this.roundMs); round++) {
      const begin = this.clock.now()
      await this.round(round)
      this.roundMs = this.clock.now() - begin
      if (this.hooks.signal.aborted) break
    }
    const side = (name: Name): SideSeen => ({ opened: opened[name], audit: addAudits(this.audits[name]), findings: this.findings[name] })
    return { pairs: this.pairs, base: side('base'), candidate: side('candidate'), blockRecords: this.blockRecords, records: this.records }
  }

  private async open(): Promise<Record<Name, Opened>> {
    const { store, target, options, source, layout } = this.plan
    const question = { protocol: gateProtocol, store: store.name, url: this.server.url, target, options, source, layout }
    const [base, candidate] = await Promise.all(names.map((name) => this.sides[name].open(question)))
    return { base: base as Opened, candidate: candidate as Opened }
  }

  /** Fresh tables for both, a warm-up, pairs, and the audits. */
  private async round(round: number): Promise<void> {
    const expected = Math.max(this.blockRecords, warmUpRecords) * (pairsPerTables + 1)
    await Promise.all(
      names.map((name) => this.sides[name].tables({ schema: `weir_gate_${this.id}_${name}_${round + 1}`, records: expected })),
    )
    await this.warmUp()
    const begin = this.clock.now()
    for (let pair = 0; pair < pairsPerTables && !this.hooks.signal.aborted; pair++) {
      const each = pair === 0 ? 2 * this.plan.blockMs : (this.clock.now() - begin) / pair
      // What is measured still has to be audited: about as long as it took to write two pairs.
      if (round > 0 && !this.fits(3 * each)) break
      await this.pair()
    }
    if (this.hooks.signal.aborted) return
    this.hooks.onProgress('auditing both sides', this.share())
    const audited = await Promise.all(names.map((name) => this.sides[name].audit()))
    for (const [i, name] of names.entries()) {
      const { audit, findings } = audited[i] ?? { audit: null, findings: [] }
      if (audit !== null) this.audits[name].push(audit)
      this.findings[name].push(...findings)
    }
  }

  /** The first time it also finds out how many records make a block, by the slower of the two. */
  private async warmUp(): Promise<void> {
    this.hooks.onProgress('warming up', this.share())
    const passes = this.blockRecords === 0 ? 3 : 1
    let slowest = Number.POSITIVE_INFINITY
    for (let pass = 0; pass < passes; pass++) {
      const rates: number[] = []
      for (const name of names) {
        await this.server.settle()
        const { records, elapsedMs } = await this.block(name, this.blockRecords || warmUpRecords)
        if (elapsedMs > 0) rates.push((records * 1000) / elapsedMs)
      }
      slowest = Math.min(...rates)
      if (this.hooks.signal.aborted) return
    }
    if (this.blockRecords > 0 || !Number.isFinite(slowest)) return
    if (this.plan.metric === 'p99') this.rate = rateShare * slowest
    this.blockRecords = Math.max(1000, Math.round(((this.rate ?? slowest) * this.plan.blockMs) / 1000))
  }

  private async pair(): Promise<void> {
    this.hooks.onProgress(`pair ${this.pairs.length + 1}`, this.share())
    const order = this.hooks.random() < 0.5 ? names : [...names].reverse()
    const seen: Partial<Record<Name, number>> = {}
    for (const name of order) {
      await this.server.settle()
      const value = this.measure(await this.block(name, this.blockRecords, this.rate))
      if (value !== undefined) seen[name] = value
      if (this.hooks.signal.aborted) return
    }
    if (seen.base !== undefined && seen.candidate !== undefined) this.pairs.push([seen.base, seen.candidate])
  }

  private async block(name: Name, records: number, recordsPerSecond?: number): Promise<BlockDone> {
    const done = await this.sides[name].block({ records, ...(recordsPerSecond === undefined ? {} : { recordsPerSecond }) })
    this.records += done.records
    return done
  }

  /** What a block says in terms of the metric; undefined when it says nothing. */
  private measure({ records, elapsedMs, cpuSeconds, p99 }: BlockDone): number | undefined {
    if (records === 0 || elapsedMs <= 0) return undefined
    if (this.plan.metric === 'throughput') return (records * 1000) / elapsedMs
    const value = this.plan.metric === 'cpu' ? cpuSeconds / records : (p99 ?? 0)
    return value > 0 ? value : undefined
  }

  private fits(moreMs: number): boolean {
    return this.clock.now() - this.begunMs + moreMs < this.plan.budgetMs
  }

  private share(): number {
    return Math.min(1, (this.clock.now() - this.begunMs) / this.plan.budgetMs)
  }
}
