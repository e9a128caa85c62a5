/** Runs in the driver's process: spools chunks, registers the files, keeps the fleet at strength and passes on what became of them. */
import type { Chunk, Range } from '../../generators/record.js'
import { Bell } from '../../stores/bell.js'
import { soleRange } from '../../stores/logfile-ranges.js'
import type { Logfile, Logfiles, Settlement, Store } from '../../stores/store.js'
import { abortable } from '../abortable.js'
import { settleFailed, settleReceipt } from '../settling.js'
import type { Part } from '../target.js'
import { Fleet } from './fleet.js'
import type { FromInstance } from './messages.js'
import { Spool } from './spool.js'

export interface CoordinatorOptions {
  readonly instances: number
  readonly minInstances: number
  readonly fileRecords: number
  readonly fileLingerMs: number
  readonly leaseMs: number
  readonly pollMs: number
  readonly spoolFsync: boolean
}

interface Surroundings {
  readonly store: Store
  readonly options: CoordinatorOptions
  readonly settle: (settlement: Settlement) => void
  readonly recycle: (lines: Uint8Array) => void
  readonly folder: string
}

/** Spooled files that may wait for each instance before `offer` makes the producer wait. */
const filesPerInstance = 4

/** After which an instance that could not start is tried again. */
const restartMs = 1000

export class Coordinator {
  private readonly fleet: Fleet
  private readonly spool: Spool
  private readonly logfiles: Logfiles
  /** Files registered and not yet settled. */
  private readonly open = new Map<number, Range>()
  /** Files done before the store's answer said under which number they were registered. */
  private readonly early = new Map<number, readonly Settlement[]>()
  /** Files whose instance died, or is in doubt itself: the store is asked about them until they are settled. */
  private readonly doubted = new Set<number>()
  private asking: NodeJS.Timeout | undefined
  private readonly restarts = new Set<NodeJS.Timeout>()
  private spooling = 0
  private conflicts = 0
  private files = 0
  private takeovers = 0
  private readonly copied = { bytes: 0, records: 0 }
  private readonly settled = new Bell()
  private closed: Promise<void> | undefined
  private scaler: NodeJS.Timeout | undefined
  private lastTrouble: string | undefined

  constructor(private readonly surroundings: Surroundings) {
    const { store, options, folder } = surroundings
    if (store.logfiles === undefined)
      throw new Error(`multi-instance needs logfiles to claim, which the store ${store.address.store} does not have`)
    this.logfiles = store.logfiles
    this.fleet = new Fleet(
      { address: store.address, leaseMs: options.leaseMs, pollMs: options.pollMs },
      { message: (message) => this.hear(message), died: () => void this.replace() },
    )
    this.spool = new Spool(
      folder,
      { fileRecords: options.fileRecords, lingerMs: options.fileLingerMs, sync: options.spoolFsync },
      (file) => this.register(file),
      (chunks, error) => this.giveUp(chunks, error),
      surroundings.recycle,
    )
  }

  async start(): Promise<void> {
    const { instances } = this.surroundings.options
    await Promise.all(Array.from({ length: this.floor }, () => this.fleet.start()))
    if (this.floor < instances) this.scaler = setInterval(() => this.scale(), 250)
  }

  async offer(chunk: Chunk): Promise<void> {
    if (this.closing) throw new Error('the target is closed: it takes no more records')
    this.spooling += chunk.count
    this.spool.add(chunk)
    const { instances, fileRecords } = this.surroundings.options
    while (!this.closing && this.waiting > instances * filesPerInstance * fileRecords) await this.settled.next()
  }

  async drain(signal: AbortSignal): Promise<void> {
    await abortable(this.spool.flush(), signal)
    while (this.open.size > 0) {
      signal.throwIfAborted()
      await this.settled.next(signal)
    }
  }

  close(): Promise<void> {
    this.closed ??= this.stop()
    return this.closed
  }

  /** What went wrong last, in an instance or with one. */
  trouble(): string | undefined {
    return this.lastTrouble
  }

  parts(): readonly Part[] {
    return this.fleet.parts()
  }

  counters(): Readonly<Record<string, number>> {
    return {
      files: this.files,
      conflicts: this.conflicts,
      takeovers: this.takeovers,
      copiedBytes: this.copied.bytes,
      copiedRecords: this.copied.records,
    }
  }

  private get closing(): boolean {
    return this.closed !== undefined
  }

  private async stop(): Promise<void> {
    clearInterval(this.scaler)
    clearTimeout(this.asking)
    for (const timer of this.restarts) clearTimeout(timer)
    this.spool.stop()
    this.settled.ring()
    await this.fleet.close()
    // Ends a registration under way; what comes after it would open a connection again.
    await this.logfiles.close()
    await this.spool.idle()
    await this.logfiles.close()
  }

  /** Records offered and not settled. */
  private get waiting(): number {
    let records = this.spooling
    for (const range of this.open.values()) records += range.count
    return records
  }

  private get floor(): number {
    const { instances, minInstances } = this.surroundings.options
    return minInstances === 0 ? instances : Math.min(minInstances, instances)
  }

  private async register(file: Omit<Logfile, 'id'>): Promise<void> {
    if (this.closing) throw new Error('the target was closed')
    const id = await this.logfiles.add(file)
    const range = soleRange(file)
    this.open.set(id, range)
    this.files++
    this.spooling -= range.count
    this.surroundings.settle({ ...range, fate: 'accepted' })
    if (this.surroundings.options.spoolFsync) this.surroundings.settle({ ...range, fate: 'durable' })
    const receipt = this.early.get(id)
    this.early.delete(id)
    if (receipt === undefined) this.fleet.announce()
    else this.finish(id, receipt)
  }

  private giveUp(chunks: readonly Chunk[], error: unknown): void {
    for (const chunk of chunks) this.spooling -= chunk.count
    settleFailed(chunks, error, this.surroundings.settle)
    this.settled.ring()
  }

  private hear(message: FromInstance): void {
    if (message.kind === 'claimed') this.conflicts += message.conflicts
    if (message.kind === 'trouble') {
      this.lastTrouble = message.message
      if (message.id !== undefined) this.doubt([message.id])
    }
    if (message.kind === 'lost') this.takeovers++
    if (message.kind !== 'done') return
    this.copied.bytes += message.copiedBytes
    this.copied.records += message.copiedRecords
    if (this.open.has(message.id)) this.finish(message.id, message.receipt)
    else if (this.spooling > 0) this.early.set(message.id, message.receipt)
  }

  private finish(id: number, receipt: readonly Settlement[]): void {
    this.doubted.delete(id)
    if (!this.open.delete(id)) return
    settleReceipt(receipt, this.surroundings.settle)
    this.settled.ring()
  }

  /**
   * An instance died. What it had committed without saying so is asked of the store; the file in its hands comes free
   * when its lease runs out; another instance takes its place.
   */
  private async replace(): Promise<void> {
    if (this.closing) return
    this.takeovers++
    this.doubt(this.open.keys())
    await this.startAnother()
  }

  /** Tries again after a while when the instance cannot start; until one is left, nobody else does its work. */
  private async startAnother(): Promise<void> {
    if (this.closing) return
    try {
      await this.fleet.start()
    } catch (error) {
      if (this.closing) return
      this.lastTrouble = error instanceof Error ? error.message : String(error)
      if (this.fleet.size === 0) this.abandon()
      this.restarts.add(setTimeout(() => void this.startAnother(), restartMs))
    }
  }

  /**
   * The server may still commit what a dead instance had sent, so one question is not enough: these files are asked
   * about, once a poll, until somebody has settled them.
   */
  private doubt(ids: Iterable<number>): void {
    for (const id of ids) if (this.open.has(id)) this.doubted.add(id)
    if (this.doubted.size > 0 && !this.closing) this.asking ??= setTimeout(() => void this.ask(), this.surroundings.options.pollMs)
  }

  private async ask(): Promise<void> {
    try {
      for (const { id, receipt } of await this.logfiles.outcomes([...this.doubted])) this.finish(id, receipt)
    } catch (error) {
      this.lastTrouble = error instanceof Error ? error.message : String(error)
    }
    this.asking = undefined
    this.doubt(this.doubted)
  }

  /** No instance is left and none can be started: nobody will write the files that wait. */
  private abandon(): void {
    const ranges = [...this.open.values()]
    this.open.clear()
    this.doubted.clear()
    settleFailed(ranges, new Error(`no instance is left: ${this.lastTrouble ?? 'all have ended'}`), this.surroundings.settle)
    this.settled.ring()
  }

  /** One instance more while there are more files than hands, one fewer when there is nothing to do. */
  private scale(): void {
    if (this.open.size > this.fleet.size * 2 && this.fleet.size < this.surroundings.options.instances) {
      this.fleet.start().catch((error: unknown) => {
        this.lastTrouble = error instanceof Error ? error.message : String(error)
      })
    } else if (this.open.size === 0 && this.fleet.size > this.floor) this.fleet.retire()
  }
}
