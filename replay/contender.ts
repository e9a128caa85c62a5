/** A contender: one architecture in one leg, with its tables, its open target, its ledger and the accounts of its blocks. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Source } from '../generators/source.js'
import { LatencyHistogram } from '../results/histogram.js'
import type { Recorder } from '../results/recorder.js'
import type { DeferredWork, Partition, ThroughputBlock, Visibility } from '../results/result.js'
import { openStore } from '../stores/index.js'
import type { Settlement, Store, StoreAddress } from '../stores/store.js'
import type { Target, TargetModule } from '../targets/target.js'
import { addCpu, anonymousBytes, type CpuUse, noCpu, readCpu } from './accounts.js'
import type { Arrivals } from './arrivals.js'
import type { AuditReport } from './audit.js'
import type { Clock } from './clock.js'
import { DeferredWatch } from './deferred.js'
import { type BlockOutcome, Desk, replay } from './driver.js'
import { both, type Onlooker, Retention } from './events.js'
import { Ledger } from './ledger.js'
import type { Site } from './site.js'
import { VisibilityProbe } from './visibility.js'

export interface ContenderSpec {
  readonly module: TargetModule
  readonly source: Source
  readonly options: Readonly<Record<string, number | boolean>>
  readonly site: Site
  readonly address: StoreAddress
  readonly scratch: string
  readonly clock: Clock
  /** Probes at the most so often how long a stored record takes to be seen, milliseconds; undefined: not at all. */
  readonly probeEveryMs?: number
  /** Records at the most in one chunk at full speed. */
  readonly chunkRecords?: number
  /** Older months are dropped as the stream goes on; absent: all stay. */
  readonly keepMonths?: number
  /** Looks on beside the scenario's events. */
  readonly onlooker?: Onlooker
}

/** What one block is asked to do. */
export interface BlockRequest {
  /** Number of the round: blocks of one round are compared with each other. */
  readonly index: number
  readonly records: number
  readonly durationMs?: number
  readonly arrivals?: Arrivals
  readonly windowFromMs?: number
  readonly recorder?: Recorder
  readonly signal: AbortSignal
  readonly onProgress?: (settled: number) => void
}

/** What a document says of a contender's tables. */
interface Note {
  readonly partitions: readonly Partition[]
  readonly deferred: DeferredWork | undefined
}

export class Contender {
  readonly blocks: ThroughputBlock[] = []
  readonly cpu: CpuUse = noCpu()
  /** Sums over the blocks, milliseconds. */
  renderMs = 0
  offerMs = 0
  elapsedMs = 0
  readonly deferred: DeferredWatch
  offeredBytes = 0
  readonly lag = new LatencyHistogram()
  /** Largest seen, bytes. */
  readonly memory = { weir: 0, target: 0, store: 0 }
  counters: Readonly<Record<string, number>> = {}
  /** Parts seen at the most: each has a connection of its own. */
  connections = 0
  error: Error | undefined
  interrupted = false
  /** How long stored records took to be seen; null when that was not probed. Known once the target is closed. */
  visibility: Visibility | null = null
  private readonly probe: VisibilityProbe | undefined
  /** What the audit of its tables said, once there was one. */
  audit: AuditReport | undefined
  readonly ledger: Ledger
  /** Drops months while its blocks run; undefined where all stay. */
  readonly retention: Retention | undefined
  private readonly desk: Desk
  private next = 0
  private noted: Promise<Note> | undefined
  private target: Target | undefined

  private constructor(
    readonly spec: ContenderSpec,
    readonly store: Store,
  ) {
    this.ledger = new Ledger(spec.source.spec.source, 0)
    this.retention = retentionOf(spec, store, this.ledger)
    this.desk = new Desk(spec.clock, this.ledger, both(this.retention, spec.onlooker))
    const { probeEveryMs, clock } = spec
    if (probeEveryMs !== undefined && store.scanner !== undefined) {
      this.probe = new VisibilityProbe({ seen: (source, position) => store.seen(source, position), clock, everyMs: probeEveryMs })
    }
    this.deferred = new DeferredWatch(
      () => store.upkeep(),
      () => this.ledger.tally.stored,
      spec.clock,
    )
  }

  /** Creates the tables, with the partitions of these months. The target is opened with the first block. */
  static async prepare(spec: ContenderSpec, months: readonly string[]): Promise<Contender> {
    const store = await openStore(spec.address)
    try {
      await store.prepare(spec.module.image(spec.options), months)
    } catch (error) {
      await store.close()
      throw error
    }
    return new Contender(spec, store)
  }

  get name(): string {
    return this.spec.module.name
  }

  /** Opens the target now rather than with the first block. */
  async ready(): Promise<void> {
    await this.open()
  }

  /** Runs the next block of its leg and enters it into the accounts. */
  async run(request: BlockRequest): Promise<BlockOutcome> {
    const target = await this.open()
    const { clock, site, source, chunkRecords } = this.spec
    const { server } = site
    const pids = await server.processes()
    const before = readCpu(this.processes(target), pids)
    const watching = setInterval(() => this.watchMemory(target, pids), 500)
    this.deferred.begin()
    try {
      const outcome = await replay(
        { source, first: this.next, ...request, ...(chunkRecords === undefined ? {} : { chunkRecords }) },
        target,
        this.desk,
        { clock, ledger: this.ledger, ...request },
      )
      this.enter(request.index, outcome)
      await this.retention?.end()
      return outcome
    } finally {
      await this.retention?.end().catch(() => undefined)
      clearInterval(watching)
      await this.deferred.end()
      this.watchMemory(target, pids)
      this.connections = Math.max(this.connections, target.parts().length)
      this.next = this.ledger.fates().offered.to
      addCpu(this.cpu, before, readCpu(this.processes(target), await server.processes()))
      this.counters = (await target.counters?.()) ?? {}
    }
  }

  /** What the store says of the tables, asked once: the answer outlives them. */
  note(): Promise<Note> {
    this.noted ??= (async () => ({
      partitions: await this.store.partitions().catch(() => []),
      deferred: await this.deferred.report(this.elapsedMs),
    }))()
    return this.noted
  }

  /** Stops the target; the tables stay for the audit. */
  async closeTarget(): Promise<void> {
    const target = this.target
    this.target = undefined
    this.visibility ??= (await this.probe?.stop()) ?? null
    await target?.close()
  }

  async close(): Promise<void> {
    await this.closeTarget()
    await this.store.close()
  }

  private async open(): Promise<Target> {
    if (this.target !== undefined) return this.target
    const { module, options, scratch } = this.spec
    const folder = join(scratch, this.spec.address.schema || module.name)
    await mkdir(folder, { recursive: true })
    const settle = (settlement: Settlement) => {
      this.desk.settle(settlement)
      this.probe?.settled(settlement)
    }
    this.target = await module.open({ store: this.store, options, settle, scratch: folder })
    return this.target
  }

  private enter(index: number, outcome: BlockOutcome): void {
    this.renderMs += outcome.renderMs
    this.offerMs += outcome.offerMs
    this.elapsedMs += outcome.elapsedMs
    this.offeredBytes += outcome.offeredBytes
    this.lag.add(outcome.lag)
    const { stored: records, elapsedMs } = outcome
    if (elapsedMs > 0) this.blocks.push({ index, records, elapsedMs, recordsPerSecond: (records * 1000) / elapsedMs })
  }

  /** The parts that are processes of their own; threads are in Weir's account. */
  private processes(target: Target) {
    return target.parts().filter((part) => part.kind === 'process')
  }

  private watchMemory(target: Target, storePids: readonly number[]): void {
    const sum = (pids: readonly number[]) => pids.reduce((bytes, pid) => bytes + (anonymousBytes(pid) ?? 0), 0)
    this.memory.weir = Math.max(this.memory.weir, process.memoryUsage.rss())
    this.memory.target = Math.max(this.memory.target, sum(this.processes(target).map((part) => part.pid)))
    this.memory.store = Math.max(this.memory.store, sum(storePids))
  }
}

function retentionOf({ keepMonths, source: { spec }, clock }: ContenderSpec, store: Store, ledger: Ledger): Retention | undefined {
  if (keepMonths === undefined || spec.kind !== 'stream') return undefined
  return new Retention({ spec, keepMonths, ledger, dropMonth: (month) => store.dropMonth(month), clock })
}
