/** A contender: one architecture in one leg, with its tables, its open target, its ledger and the accounts of its blocks. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Source } from '../generators/source.js'
import { LatencyHistogram } from '../results/histogram.js'
import type { Recorder } from '../results/recorder.js'
import type { DeferredWork, Partition, ThroughputBlock, Visibility } from '../results/result.js'
import { openStore } from '../stores/index.js'
import type { Settlement, Store, StoreAddress } from '../stores/store.js'
import type { OptionSet, Target, TargetModule } from '../targets/target.js'
import { Accounts } from './accounts.js'
import type { Arrivals } from './arrivals/arrivals.js'
import type { AuditReport } from './audit.js'
import type { Clock } from './clock.js'
import { DeferredWatch } from './deferred.js'
import { type BlockOutcome, Desk, replay } from './driver.js'
import { both, type Onlooker, Retention } from './events.js'
import { Ledger } from './ledger.js'
import type { Site } from './site.js'
import { StoreWaits } from './store-waits.js'
import { VisibilityProbe } from './visibility.js'

export interface ContenderSpec {
  readonly module: TargetModule
  readonly source: Source
  readonly options: OptionSet
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
  /** CPU, memory and disk of its blocks. */
  readonly accounts: Accounts
  /** What its connections waited for in the blocks at full speed; undefined where the store does not tell. */
  readonly waits: StoreWaits | undefined
  /** Sums over the blocks, milliseconds. */
  renderMs = 0
  offerMs = 0
  elapsedMs = 0
  readonly deferred: DeferredWatch
  offeredBytes = 0
  readonly lag = new LatencyHistogram()
  counters: Readonly<Record<string, number>> = {}
  /** Parts seen at the most: each has a connection of its own. */
  connections = 0
  error: Error | undefined
  interrupted = false
  /** How long stored records took to be seen; null when that was not probed. Known once the target is closed. */
  visibility: Visibility | null = null
  readonly probe: VisibilityProbe | undefined
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
    dataFolder: string | null,
  ) {
    this.accounts = new Accounts({
      parts: () => this.target?.parts() ?? [],
      storeProcesses: () => spec.site.server.processes(),
      dataFolder,
    })
    const watch = store.waits()
    this.waits = watch && new StoreWaits(watch)
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
    return new Contender(spec, store, await spec.site.server.dataFolder().catch(() => null))
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
    const { clock, source, chunkRecords } = this.spec
    const waits = request.arrivals === undefined ? this.waits : undefined
    await waits?.begin()
    await this.accounts.begin()
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
      this.connections = Math.max(this.connections, target.parts().length)
      await waits?.end(this.connections)
      await this.accounts.end()
      await this.deferred.end()
      this.next = this.ledger.fates().offered.to
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
    await this.waits?.close()
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
      this.probe?.settled(settlement, this.desk.sinceDue(settlement.first + settlement.count - 1))
    }
    const recycle = (lines: Uint8Array) => this.desk.buffers.give(lines)
    this.target = await module.open({ store: this.store, options, settle, recycle, scratch: folder })
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
}

function retentionOf({ keepMonths, source: { spec }, clock }: ContenderSpec, store: Store, ledger: Ledger): Retention | undefined {
  if (keepMonths === undefined || spec.kind !== 'stream') return undefined
  return new Retention({ spec, keepMonths, ledger, dropMonth: (month) => store.dropMonth(month), clock })
}
