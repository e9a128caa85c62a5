/** A gate's session: copies of two builds take turns in short blocks on one server, for one round or several. */

import { randomBytes, randomInt } from 'node:crypto'
import { join } from 'node:path'
import type { StreamSpec } from '../../generators/source.js'
import type { GateMetric } from '../../results/gate.js'
import { seededRandom, shuffled } from '../../results/statistics.js'
import { stores } from '../../stores/index.js'
import type { Durability, Layout } from '../../stores/store.js'
import type { OptionSet } from '../../targets/target.js'
import { type Clock, systemClock } from '../clock.js'
import type { PlannedStore, RunDurability } from '../plan.js'
import { withScratch } from '../scratch.js'
import { openSite, type Site } from '../site.js'
import type { SideAudit, SideBlock, SideFacts, SideSpec } from './protocol.js'
import { pairOrder, type SideName } from './schedule.js'
import { type Build, GateRefusedError, SideError, SideProcess } from './side-process.js'

export interface GatePlan {
  readonly builds: Readonly<Record<SideName, Build>>
  readonly target: string
  readonly metric: GateMetric
  /** Options of the target that were asked for. */
  readonly options: OptionSet
  readonly store: PlannedStore
  readonly durability: RunDurability
  readonly source: StreamSpec
  readonly layout: Layout
  /** A round ends about then, milliseconds, audits included. */
  readonly budgetMs: number
  /** Rounds at the most, each with fresh processes: a further one comes only while the gate cannot tell. */
  readonly rounds: number
  /** Processes of each build in a round. */
  readonly copies: number
  /** Pairs of blocks for each copy; null: as many as fit into the budget. */
  readonly pairs: number | null
  /** About as long is a block. */
  readonly blockMs: number
}

export interface GateHooks {
  readonly signal: AbortSignal
  /** Asked after a round, with all copies so far: whether the noise hides what is to be decided. */
  cannotTell(copies: readonly MeasuredCopy[]): boolean
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

/** A process of the base and one of the candidate, and the pairs that they ran; without audits when it was broken off. */
export interface MeasuredCopy {
  readonly pairs: readonly MeasuredPair[]
  readonly audits: Readonly<Record<SideName, SideAudit>> | null
}

export interface GateMeasurement {
  readonly facts: Readonly<Record<SideName, SideFacts>>
  readonly store: string
  readonly durability: Durability
  readonly blockRecords: number
  /** Of all rounds. */
  readonly copies: readonly MeasuredCopy[]
  readonly rounds: number
  /** What broke off the gate, a sentence each: records that failed, a side that ended. */
  readonly troubles: readonly string[]
  readonly elapsedMs: number
  /** Of these, all that the pairs took. */
  readonly pairsMs: number
  readonly orderSeed: number
  readonly interrupted: boolean
}

const sideNames = ['base', 'candidate'] as const
/** Batches of each process before anything counts: compilers and caches. */
const warmUpBlocks = 3
/** So many batches are in a block at the least: one alone would not show whether the next is made while it is written. */
const leastBatches = 2
/** Kept of the budget for what varies, and to close. */
const spareShare = 0.07
/** For latencies both sides are offered this share of what the slower one took at full speed: well below where queues grow. */
const rateShare = 0.5

/**
 * Measures both builds.
 * @throws GateRefusedError when the two may not be compared
 * @throws Error when the server cannot be started or reached
 */
export async function runGate(plan: GatePlan, hooks: GateHooks): Promise<GateMeasurement> {
  const startMs = (hooks.clock ?? systemClock).now()
  return withScratch('gate', async (scratch) => {
    hooks.onProgress({ label: `starting ${plan.store.name}`, done: 0 })
    const site = await openSite(plan.store, { durability: plan.durability, dataDirectory: null })
    try {
      return await new GateSession(plan, hooks, scratch, site, startMs).run()
    } finally {
      await site.server.close()
    }
  })
}

type Sides = Readonly<Record<SideName, SideProcess>>

interface Copy {
  readonly sides: Sides
  readonly pairs: MeasuredPair[]
  readonly order: ReturnType<typeof pairOrder>
  audits: Readonly<Record<SideName, SideAudit>> | null
}

class GateSession {
  private readonly clock: Clock
  private readonly orderSeed: number
  private readonly random: () => number
  private readonly id = randomBytes(4).toString('hex')
  private readonly copies: Copy[] = []
  private readonly troubles: string[] = []
  private facts: Readonly<Record<SideName, SideFacts>> | undefined
  private blockRecords = 0
  private rounds = 0
  private roundStartMs: number
  private pairsMs = 0
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
    this.roundStartMs = startMs
    this.orderSeed = hooks.seed ?? randomInt(2 ** 31)
    this.random = seededRandom(this.orderSeed)
  }

  async run(): Promise<GateMeasurement> {
    try {
      do await this.round()
      while (this.rounds < this.plan.rounds && this.hooks.cannotTell(this.copies))
    } catch (error) {
      if (!this.hooks.signal.aborted) {
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
      copies: this.copies.map(({ pairs, audits }) => ({ pairs, audits })),
      rounds: this.rounds,
      troubles: this.troubles,
      elapsedMs: this.clock.now() - this.startMs,
      pairsMs: this.pairsMs,
      orderSeed: this.orderSeed,
      interrupted: this.hooks.signal.aborted,
    }
  }

  /** Fresh copies on fresh tables, the machine settled, all warm; then the pairs, then all audits. */
  private async round(): Promise<void> {
    if (this.rounds++ > 0) this.roundStartMs = this.clock.now()
    this.say('starting both builds')
    const copies = await this.openAll()
    this.copies.push(...copies)
    try {
      await this.site.server.settle()
      this.say('warming up')
      await this.warmUp(copies)
      this.say('measuring')
      const begin = this.clock.now()
      const before = this.pairsMs
      for (let turn = 0; this.goesOn(turn, this.clock.now() - begin); turn++) {
        for (const copy of shuffled(copies, this.random)) copy.pairs.push(await this.pair(copy))
        this.pairsMs = before + this.clock.now() - begin
        this.say('measuring')
      }
      this.say('audit')
      for (const copy of copies) copy.audits = await this.audit(copy)
    } finally {
      await Promise.all(copies.flatMap(({ sides }) => sideNames.map((name) => sides[name].close())))
    }
  }

  /** Within a round time decides, never what was measured: a gate that stopped when it liked the result would cry wolf. */
  private goesOn(turns: number, spentMs: number): boolean {
    this.hooks.signal.throwIfAborted()
    const { pairs, budgetMs } = this.plan
    if (turns === 0 || pairs !== null) return turns < (pairs ?? 1)
    const turnMs = spentMs / turns
    const auditTimes = stores.find(({ name }) => name === this.site.server.store)?.auditTimes ?? 0
    return this.elapsed() + turnMs + auditTimes * (spentMs + turnMs) <= budgetMs * (1 - spareShare)
  }

  /** All copies of a round. @throws when one cannot be opened; the others are closed then */
  private async openAll(): Promise<readonly Copy[]> {
    const first = this.copies.length + 1
    const opened = await Promise.allSettled(Array.from({ length: this.plan.copies }, (_, i) => this.open(first + i)))
    const copies = opened.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
    const broken = opened.find((one) => one.status === 'rejected')
    if (broken === undefined) return copies
    await Promise.all(copies.flatMap(({ sides }) => sideNames.map((name) => sides[name].close())))
    throw broken.reason
  }

  private async open(copy: number): Promise<Copy> {
    const opened = await Promise.allSettled(
      sideNames.map((name) => SideProcess.open(this.plan.builds[name], this.specOf(name, copy), this.scratch)),
    )
    const sides = opened.map((one) => (one.status === 'fulfilled' ? one.value : undefined))
    try {
      const broken = opened.find((one) => one.status === 'rejected')
      if (broken !== undefined) throw broken.reason
      const [base, candidate] = sides
      if (base === undefined || candidate === undefined) throw new Error('a side is missing')
      this.compare({ base: base.facts, candidate: candidate.facts })
      return { sides: { base: base.side, candidate: candidate.side }, pairs: [], order: pairOrder(this.random), audits: null }
    } catch (error) {
      await Promise.all(sides.map((one) => one?.side.close()))
      throw error
    }
  }

  private specOf(name: SideName, copy: number): SideSpec {
    const { plan, site } = this
    const schema = `weir_${this.id}_${name}_${copy}`
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

  /** All copies at once, then, in the first round, one copy alone: that one finds out how many records a block holds. */
  private async warmUp(copies: readonly Copy[]): Promise<void> {
    const unit = Math.max(1, ...sideNames.map((name) => this.facts?.[name].unit ?? 1))
    const ofMs = (rate: number) => unit * Math.max(leastBatches, Math.round((rate * this.plan.blockMs) / 1000 / unit))
    await Promise.all(
      copies.flatMap(({ sides }) =>
        sideNames.map(async (name) => {
          for (let i = 0; i < warmUpBlocks; i++) await this.block(sides, name, unit)
        }),
      ),
    )
    if (this.blockRecords > 0) return
    const [first] = copies
    if (first === undefined) throw new RangeError('a gate needs a copy')
    const slowerOf = async (records: number) => {
      const rates: number[] = []
      for (const name of shuffled(sideNames, this.random)) rates.push((await this.block(first.sides, name, records)).recordsPerSecond)
      return Math.min(...rates)
    }
    // Both sides are given as many: what became of the records is compared, and that needs the same ones.
    const slowest = await slowerOf(ofMs(await slowerOf(leastBatches * unit)))
    if (this.plan.metric === 'p99') this.rate = rateShare * slowest
    this.blockRecords = ofMs(this.rate ?? slowest)
  }

  private async pair({ sides, order }: Copy): Promise<MeasuredPair> {
    const [first, second] = order.next().value
    const blocks = { [first]: await this.block(sides, first, this.blockRecords) } as Record<SideName, MeasuredBlock>
    blocks[second] = await this.block(sides, second, this.blockRecords)
    return { first, ...blocks }
  }

  private async audit({ sides }: Copy): Promise<Readonly<Record<SideName, SideAudit>>> {
    this.hooks.signal.throwIfAborted()
    const [base, candidate] = await Promise.all([sides.base.ask({ do: 'audit' }), sides.candidate.ask({ do: 'audit' })])
    return { base, candidate }
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

  /** Milliseconds of this round; the first begins with the server's start. */
  private elapsed(): number {
    return this.clock.now() - this.roundStartMs
  }

  private say(what: string): void {
    const label = this.rounds > 1 ? `round ${this.rounds}, as it could not tell: ${what}` : what
    this.hooks.onProgress({ label, done: Math.min(1, this.elapsed() / this.plan.budgetMs) })
  }
}
