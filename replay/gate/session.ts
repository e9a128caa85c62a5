/** A gate's session: rounds of short blocks in which two builds take turns on one server. */
import { randomBytes, randomInt } from 'node:crypto'
import { rmSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { StreamSpec } from '../../generators/source.js'
import type { GateMetric } from '../../results/gate.js'
import { seededRandom } from '../../results/statistics.js'
import type { Durability, Layout } from '../../stores/store.js'
import { temporaryPrefix } from '../../stores/temporary.js'
import { type Clock, systemClock } from '../clock.js'
import type { PlannedStore, RunDurability } from '../plan.js'
import { openSite, type Site } from '../site.js'
import type { SideAudit, SideBlock, SideFacts, SideSpec } from './protocol.js'
import { pairOrder, type SideName } from './schedule.js'
import { type Build, GateRefusedError, SideError, SideProcess } from './side-process.js'

export interface GatePlan {
  readonly builds: Readonly<Record<SideName, Build>>
  readonly target: string
  readonly metric: GateMetric
  /** Options of the target that were asked for. */
  readonly options: Readonly<Record<string, number | boolean>>
  readonly store: PlannedStore
  readonly durability: RunDurability
  readonly source: StreamSpec
  readonly layout: Layout
  /** The whole gate ends about then, milliseconds; a round that would not fit is not begun. */
  readonly budgetMs: number
  /** Rounds at the most; null: as many as fit. */
  readonly rounds: number | null
  /** Null: as many as let `wantedRounds` fit into the budget. */
  readonly pairsPerRound: number | null
  /** About as long is a block. */
  readonly blockMs: number
}

export interface GateHooks {
  readonly signal: AbortSignal
  onProgress(state: { readonly label: string; readonly done: number }): void
  readonly clock?: Clock
  /** Decides the order of the sides; absent: chance. */
  readonly seed?: number
}

/** One measured block. */
export interface MeasuredBlock extends SideBlock {
  readonly recordsPerSecond: number
}

/** A pair of neighbouring blocks; `first` ran first. */
export interface MeasuredPair {
  readonly first: SideName
  readonly base: MeasuredBlock
  readonly candidate: MeasuredBlock
}

export interface MeasuredRound {
  readonly pairs: readonly MeasuredPair[]
  readonly audits: Readonly<Record<SideName, SideAudit>>
  readonly elapsedMs: number
}

export interface GateMeasurement {
  readonly facts: Readonly<Record<SideName, SideFacts>>
  readonly store: string
  readonly durability: Durability
  readonly blockRecords: number
  readonly rounds: readonly MeasuredRound[]
  /** What broke off the gate, a sentence each: records that failed, a side that ended. */
  readonly troubles: readonly string[]
  readonly elapsedMs: number
  readonly orderSeed: number
  readonly interrupted: boolean
}

const sideNames = ['base', 'candidate'] as const
/** Work of each side before anything counts, in the first round: compilers and caches. Blocks shorter than usual need less. */
const firstWarmUpMs = 1000
const firstWarmUpBlocks = 4
/** So many batches are in a block at the least: one alone would not show whether the next is made while it is written. */
const leastBatches = 2
/** A round is taken to last so many times as long as the longest so far: the budget is meant. */
const longestShare = 1.15
/** More rounds would show better what processes and tables have to do with it, fewer leave more of the time to blocks. */
const wantedRounds = 4
const leastPairs = 3
/** For latencies both sides are offered this share of what the slower one took at full speed: well below where queues grow. */
const rateShare = 0.5
const mostPairs = 40

/**
 * Measures both builds.
 * @throws GateRefusedError when the two may not be compared
 * @throws Error when the server cannot be started or reached
 */
export async function runGate(plan: GatePlan, hooks: GateHooks): Promise<GateMeasurement> {
  const startMs = (hooks.clock ?? systemClock).now()
  const scratch = await mkdtemp(join(tmpdir(), temporaryPrefix('gate')))
  const removeNow = () => rmSync(scratch, { recursive: true, force: true })
  process.once('exit', removeNow)
  try {
    hooks.onProgress({ label: `starting ${plan.store.name}`, done: 0 })
    const site = await openSite(plan.store, { durability: plan.durability, dataDirectory: null })
    try {
      return await new GateSession(plan, hooks, scratch, site, startMs).run()
    } finally {
      await site.server.close()
    }
  } finally {
    await rm(scratch, { recursive: true, force: true })
    process.off('exit', removeNow)
  }
}

type Sides = Readonly<Record<SideName, SideProcess>>

class GateSession {
  private readonly clock: Clock
  private readonly orderSeed: number
  private readonly random: () => number
  private readonly id = randomBytes(4).toString('hex')
  private readonly rounds: MeasuredRound[] = []
  private readonly troubles: string[] = []
  private facts: Readonly<Record<SideName, SideFacts>> | undefined
  private blockRecords = 0
  private pairs: number
  private openingMs = 0
  /** Records per second that blocks are offered at; undefined: as fast as they are taken. */
  private rate: number | undefined

  constructor(
    private readonly plan: GatePlan,
    private readonly hooks: GateHooks,
    private readonly scratch: string,
    private readonly site: Site,
    private readonly startMs: number,
  ) {
    this.clock = hooks.clock ?? systemClock
    this.orderSeed = hooks.seed ?? randomInt(2 ** 31)
    this.random = seededRandom(this.orderSeed)
    this.pairs = plan.pairsPerRound ?? leastPairs
  }

  async run(): Promise<GateMeasurement> {
    while (this.goesOn()) {
      try {
        this.rounds.push(await this.round())
      } catch (error) {
        if (this.hooks.signal.aborted) break
        if (!(error instanceof SideError)) throw error
        this.troubles.push(error.message)
      }
    }
    if (this.facts === undefined) throw new Error(this.troubles[0] ?? 'interrupted before anything was measured')
    return {
      facts: this.facts,
      store: this.site.server.store,
      durability: this.site.durability,
      blockRecords: this.blockRecords,
      rounds: this.rounds,
      troubles: this.troubles,
      elapsedMs: this.elapsed(),
      orderSeed: this.orderSeed,
      interrupted: this.hooks.signal.aborted,
    }
  }

  /** Time decides, never what was measured: a gate that stopped when it liked the result would cry wolf. */
  private goesOn(): boolean {
    const { rounds, troubles, plan } = this
    if (this.hooks.signal.aborted || troubles.length > 0) return false
    if (plan.rounds !== null && rounds.length >= plan.rounds) return false
    return rounds.length === 0 || this.elapsed() + longestShare * Math.max(...rounds.map(({ elapsedMs }) => elapsedMs)) <= plan.budgetMs
  }

  /** Fresh processes and tables, the machine settled, both warm; then the pairs, and both audits. */
  private async round(): Promise<MeasuredRound> {
    const begin = this.clock.now()
    const sides = await this.open()
    try {
      await this.site.server.settle()
      this.openingMs = this.clock.now() - begin
      await this.warmUp(sides)
      const pairs: MeasuredPair[] = []
      for (const order of pairOrder(this.pairs, this.random)) {
        this.say(`block pair ${pairs.length + 1} of ${this.pairs}`)
        pairs.push(await this.pair(sides, order))
      }
      this.say('audit')
      const [base, candidate] = await Promise.all(sideNames.map((name) => sides[name].ask({ do: 'audit' })))
      if (base === undefined || candidate === undefined) throw new Error('an audit is missing')
      return { pairs, audits: { base, candidate }, elapsedMs: this.clock.now() - begin }
    } finally {
      await Promise.all(sideNames.map((name) => sides[name].close()))
    }
  }

  private async open(): Promise<Sides> {
    this.say('starting both builds')
    const opened = await Promise.allSettled(
      sideNames.map((name) => SideProcess.open(this.plan.builds[name], this.specOf(name), this.scratch)),
    )
    const broken = opened.find((one) => one.status === 'rejected')
    const [base, candidate] = opened.map((one) => (one.status === 'fulfilled' ? one.value : undefined))
    if (broken !== undefined || base === undefined || candidate === undefined) {
      await Promise.all([base, candidate].map((one) => one?.side.close()))
      throw broken?.reason
    }
    const sides = { base: base.side, candidate: candidate.side }
    try {
      this.compare({ base: base.facts, candidate: candidate.facts })
    } catch (error) {
      await Promise.all(sideNames.map((name) => sides[name].close()))
      throw error
    }
    return sides
  }

  private specOf(name: SideName): SideSpec {
    const { plan, site } = this
    const schema = `weir_${this.id}_${name}_${this.rounds.length + 1}`
    return {
      target: plan.target,
      options: plan.options,
      store: site.server.url === '' ? site.server.store : site.server.url,
      schema,
      source: plan.source,
      layout: plan.layout,
      scratch: join(this.scratch, schema),
    }
  }

  private compare(facts: Readonly<Record<SideName, SideFacts>>): void {
    this.facts = facts
    const said = { workload: 'make other records from the same seed', image: 'leave another image', durability: 'see another durability' }
    for (const field of ['workload', 'image', 'durability'] as const) {
      const { base, candidate } = facts
      if (base[field] === candidate[field]) continue
      const short = (value: string) => value.slice(0, 40)
      throw new GateRefusedError(
        `the two builds ${said[field]} (${field}: base ${short(base[field])}, candidate ${short(candidate[field])}); a ratio of their speeds would mean nothing`,
      )
    }
  }

  /** The first round finds out how many records a block holds; the others have one block of each side that does not count. */
  private async warmUp(sides: Sides): Promise<void> {
    const names = this.random() < 0.5 ? sideNames : [...sideNames].reverse()
    if (this.blockRecords > 0) {
      for (const name of names) await this.block(sides, name, this.blockRecords)
      return
    }
    const unit = Math.max(1, ...sideNames.map((name) => this.facts?.[name].unit ?? 1))
    const ofMs = (rate: number) => unit * Math.max(leastBatches, Math.round((rate * this.plan.blockMs) / 1000 / unit))
    const rates: number[] = []
    for (const name of names) {
      const begin = this.clock.now()
      let rate = 0
      do {
        rate = (await this.block(sides, name, rate === 0 ? unit : ofMs(rate))).recordsPerSecond
      } while (this.clock.now() - begin < Math.min(firstWarmUpMs, firstWarmUpBlocks * this.plan.blockMs))
      rates.push(rate)
    }
    const slowest = Math.min(...rates)
    if (this.plan.metric === 'p99') this.rate = rateShare * slowest
    const pace = this.rate ?? slowest
    this.blockRecords = ofMs(pace)
    this.pairs = this.plan.pairsPerRound ?? this.fitting((this.blockRecords * 1000) / pace)
  }

  /** Pairs in a round, from how long its parts take: what was measured of the two sides against each other plays no part. */
  private fitting(blockMs: number): number {
    const forRound = (this.plan.budgetMs - this.elapsed()) / (this.plan.rounds ?? wantedRounds)
    // Opening, as long again for audit and closing, and the blocks that do not count.
    const forPairs = forRound - 2 * this.openingMs - 2 * blockMs
    return Math.min(mostPairs, Math.max(leastPairs, Math.floor(forPairs / (2 * blockMs))))
  }

  private async pair(sides: Sides, order: readonly [SideName, SideName]): Promise<MeasuredPair> {
    const [first, second] = order
    const blocks = { [first]: await this.block(sides, first, this.blockRecords) } as Record<SideName, MeasuredBlock>
    blocks[second] = await this.block(sides, second, this.blockRecords)
    return { first, ...blocks }
  }

  private async block(sides: Sides, name: SideName, records: number): Promise<MeasuredBlock> {
    this.hooks.signal.throwIfAborted()
    const block = await sides[name].ask({ do: 'block', records, ...(this.rate === undefined ? {} : { recordsPerSecond: this.rate }) })
    if (block.failed > 0)
      throw new SideError(this.plan.builds[name].name, `${block.failed} records failed: ${block.failure ?? 'no reason given'}`)
    if (block.records === 0 || block.elapsedMs === 0) throw new SideError(this.plan.builds[name].name, 'a block stored nothing')
    if (this.rate !== undefined && !(block.p99 !== null && block.p99 > 0))
      throw new SideError(this.plan.builds[name].name, 'a block at a rate had no latency to be read')
    return { ...block, recordsPerSecond: (block.records * 1000) / block.elapsedMs }
  }

  private elapsed(): number {
    return this.clock.now() - this.startMs
  }

  private say(what: string): void {
    const { rounds, plan } = this
    const done = plan.rounds === null ? this.elapsed() / plan.budgetMs : rounds.length / plan.rounds
    this.hooks.onProgress({ label: `round ${rounds.length + 1}, ${what}`, done: Math.min(1, done) })
  }
}
