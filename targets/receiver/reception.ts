/** Runs in the driver's process: sends chunks to the receivers, and settles records as the processors, or the store, say that they are rows. */
import type { Chunk } from '../../generators/record.js'
import type { DoneObject } from '../../services/processor/processing.js'
import { Bell } from '../../stores/bell.js'
import type { Logfiles, Receipt, Settlement } from '../../stores/store.js'
import { abortable } from '../abortable.js'
import { settleFailed, settleReceipt } from '../settling.js'
import { type Delivery, rangeOf, type Sender } from './sender.js'

export interface ReceptionOptions {
  /** A request closes with the chunk that brings it to this many records, or so long after its first. */
  readonly requestRecords: number
  readonly requestLingerMs: number
  /** Requests under way at once. */
  readonly connections: number
  /** Records that were taken and are no rows yet, before `offer` makes the producer wait. */
  readonly mostWaiting: number
  /** Acknowledged is durable. */
  readonly durable: boolean
  /** How often the store is asked about what a dead processor may have stored. */
  readonly askMs: number
}

interface Surroundings {
  readonly sender: Sender
  readonly logfiles: Pick<Logfiles, 'registered' | 'outcomes'>
  readonly settle: (settlement: Settlement) => void
  readonly recycle: (lines: Uint8Array) => void
  readonly options: ReceptionOptions
}

const filesAtOnce = 1000

export class Reception {
  private request: Chunk[] = []
  private requestRecords = 0
  private timer: NodeJS.Timeout | undefined
  private readonly underWay = new Set<Promise<void>>()
  /** Records offered and not settled. */
  private waiting = 0
  private readonly changed = new Bell()
  /** Objects whose records are settled, those up to `settledTo` left out: all of them are. */
  private readonly settled = new Set<number>()
  private settledTo = 0
  private asking: NodeJS.Timeout | undefined
  private closed = false
  private lastTrouble: string | undefined

  constructor(private readonly surroundings: Surroundings) {}

  async offer(chunk: Chunk): Promise<void> {
    if (this.closed) throw new Error('the target is closed: it takes no more records')
    const { requestRecords, requestLingerMs, connections, mostWaiting } = this.surroundings.options
    const last = this.request.at(-1)
    if (last !== undefined && (last.source !== chunk.source || last.first + last.count !== chunk.first)) this.dispatch()
    this.request.push(chunk)
    this.requestRecords += chunk.count
    this.waiting += chunk.count
    if (this.requestRecords >= requestRecords) this.dispatch()
    else this.timer ??= setTimeout(() => this.dispatch(), requestLingerMs)
    while (!this.closed && (this.underWay.size >= connections || this.waiting > mostWaiting)) await this.changed.next()
  }

  async drain(signal: AbortSignal): Promise<void> {
    this.dispatch()
    await abortable(Promise.all(this.underWay), signal)
    while (this.waiting > 0) {
      signal.throwIfAborted()
      await this.changed.next(signal)
    }
  }

  /** To be called with every object that a processor has made rows of. */
  done({ id, receipt }: Pick<DoneObject, 'id' | 'receipt'>): void {
    if (this.closed || id <= this.settledTo || this.settled.has(id)) return
    this.settled.add(id)
    while (this.settled.delete(this.settledTo + 1)) this.settledTo++
    this.finish(receipt)
  }

  /** A processor died: what it had stored without saying so is asked of the store until all that waits is settled. */
  doubt(): void {
    if (!this.closed && this.waiting > 0) this.asking ??= setTimeout(() => void this.ask(), this.surroundings.options.askMs)
  }

  heard(trouble: string): void {
    this.lastTrouble = trouble
  }

  trouble(): string | undefined {
    return this.lastTrouble ?? this.surroundings.sender.trouble
  }

  /** Idempotent. */
  close(): void {
    this.closed = true
    clearTimeout(this.timer)
    clearTimeout(this.asking)
    this.request = []
    this.surroundings.sender.close()
    this.changed.ring()
  }

  private dispatch(): void {
    clearTimeout(this.timer)
    this.timer = undefined
    if (this.request.length === 0) return
    const delivery = this.request
    this.request = []
    this.requestRecords = 0
    const sending = this.deliver(delivery).finally(() => {
      this.underWay.delete(sending)
      this.changed.ring()
    })
    this.underWay.add(sending)
  }

  private async deliver(delivery: Delivery): Promise<void> {
    const { sender, settle, recycle, options } = this.surroundings
    try {
      await sender.send(delivery)
      const range = rangeOf(delivery)
      settle({ ...range, fate: 'accepted' })
      if (options.durable) settle({ ...range, fate: 'durable' })
      for (const { lines } of delivery) recycle(lines)
    } catch (error) {
      if (this.closed) return
      this.waiting -= rangeOf(delivery).count
      settleFailed(delivery, error, settle)
    }
  }

  private finish(receipt: Receipt): void {
    for (const { count } of receipt) this.waiting -= count
    settleReceipt(receipt, this.surroundings.settle)
    this.changed.ring()
  }

  private async ask(): Promise<void> {
    const { logfiles } = this.surroundings
    try {
      for (let after = this.settledTo; ; ) {
        const files = await logfiles.registered(after, filesAtOnce)
        const silent = files.filter(({ id, done }) => done && !this.settled.has(id)).map(({ id }) => id)
        for (const outcome of await logfiles.outcomes(silent)) this.done(outcome)
        const last = files.at(-1)
        if (last === undefined || files.length < filesAtOnce) break
        after = last.id
      }
    } catch (error) {
      this.heard(error instanceof Error ? error.message : String(error))
    }
    this.asking = undefined
    this.doubt()
  }
}
