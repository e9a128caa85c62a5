/** The driver: offers the records of a source to a target, as fast as it takes them or when they are due, and files what becomes of them. */
import { BufferPool } from '../generators/buffer-pool.js'
import type { Cursor, Source } from '../generators/source.js'
import { LatencyHistogram } from '../results/histogram.js'
import type { Recorder } from '../results/recorder.js'
import { Bell } from '../stores/bell.js'
import type { Settlement } from '../stores/store.js'
import { abortable } from '../targets/abortable.js'
import type { Target } from '../targets/target.js'
import { type Arrivals, evenPieces } from './arrivals/arrivals.js'
import type { Clock } from './clock.js'
import type { Onlooker, SettlementTimes } from './events.js'
import { Lateness } from './lateness.js'
import type { Ledger } from './ledger.js'
import { Offers } from './offers.js'

/**
 * Records offered at once at full speed: a twenty-eighth of the published logfile, about a quarter of a megabyte (measured 1.03 times as fast as four times that). At a rate, a chunk
 * holds what came due since the last one, and no more than this.
 */
export const chunkRecords = 1156

/** One uninterrupted piece of a leg. */
export interface Block {
  readonly source: Source
  /** Position of its first record. */
  readonly first: number
  /** Ends after this many records ... */
  readonly records: number
  /** ... or at this many milliseconds, whichever comes first. */
  readonly durationMs?: number
  /** When records are due; undefined for as fast as the target takes them. */
  readonly arrivals?: Arrivals
  /** Records at the most in one chunk (default `chunkRecords`). */
  readonly chunkRecords?: number
  /** With arrivals: the backlog is also read when so many milliseconds have passed, the end of the warm-up. */
  readonly windowFromMs?: number
}

export interface DriverContext {
  readonly clock: Clock
  readonly ledger: Ledger
  /** Where latencies go, in milliseconds since the block began; undefined at full speed, which yields none. */
  readonly recorder?: Recorder
  readonly signal: AbortSignal
  readonly onProgress?: (settled: number) => void
  /** The block fails when nothing was settled for this long although records wait (default 30 s). */
  readonly stallMs?: number
}

export interface BlockOutcome {
  /** Records offered, and the bytes of their lines. */
  readonly offered: number
  readonly offeredBytes: number
  /** Stored within this block. */
  readonly stored: number
  /** From the first offer to the last settlement, drain included. */
  readonly elapsedMs: number
  /** Main-thread time spent making lines: the generator's own cost. */
  readonly renderMs: number
  /** Time spent waiting for the target to be ready. */
  readonly offerMs: number
  /** How late the driver itself was with each record, rendering included and the target's back-pressure left out. */
  readonly lag: LatencyHistogram
  /** Records due and not settled when the window opened and when the last record was due: a rate that is kept does not pile them up. */
  readonly backlogAtStart: number
  readonly backlogAtEnd: number
}

/** Nothing was settled for too long, or a store that fails everything: going on would only wait. */
export class StalledError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'StalledError'
  }
}

/**
 * After so many failed settlements in a row, without one stored between, the store is taken to be in trouble: the driver
 * offers no faster than a chunk in each pause. When that has gone on for so long the run ends, instead of offering
 * everything to a dead store; a server that is started again meanwhile goes on being measured.
 */
const failuresInARow = 20
const troubledPauseMs = 100
const troubledMs = 10_000

/** Receives a target's settlements: files them in the ledger and the recorder under the time at which they arrive. */
export class Desk {
  readonly settled = new Bell()
  /** Of the chunks' lines, for the targets that give them back. */
  readonly buffers = new BufferPool()
  private startMs = 0
  private arrivals: Arrivals | undefined
  private blockFirst = 0
  private failures = 0
  private lastStoredMs = 0
  lastSettledMs = 0

  constructor(
    private readonly clock: Clock,
    private readonly ledger: Ledger,
    private readonly onlooker?: Onlooker,
  ) {}

  private recorder: Recorder | undefined
  private readonly offers = new Offers()

  begin(startMs: number, first: number, arrivals: Arrivals | undefined, recorder: Recorder | undefined): void {
    this.startMs = startMs
    this.lastSettledMs = startMs
    this.blockFirst = first
    this.arrivals = arrivals
    this.recorder = recorder
    this.failures = 0
    this.lastStoredMs = startMs
    this.offers.clear()
    this.onlooker?.begin(startMs)
  }

  /** Notes when records were offered, where latencies are wanted. */
  offered(first: number, count: number, nowMs: number): void {
    if (this.recorder !== undefined) this.offers.add(first, count, nowMs - this.startMs)
  }

  /** How long ago a record was due; undefined at full speed. */
  sinceDue(position: number): number | undefined {
    return this.arrivals === undefined ? undefined : this.clock.now() - this.startMs - this.arrivals.dueAt(position - this.blockFirst)
  }

  /** What is offered now would most likely fail too. */
  get troubled(): boolean {
    return this.failures >= failuresInARow
  }

  /** It has been so for too long. */
  get dead(): boolean {
    return this.troubled && this.clock.now() - this.lastStoredMs >= troubledMs
  }

  settle(settlement: Settlement): void {
    const now = this.clock.now()
    const { first, count, fate } = settlement
    if (fate === 'stored') {
      this.failures = 0
      this.lastStoredMs = now
    }
    if (fate === 'failed') this.failures++
    if (this.recorder !== undefined && this.arrivals !== undefined && (fate === 'stored' || fate === 'accepted' || fate === 'durable')) {
      const atMs = now - this.startMs
      if (fate === 'stored') {
        for (const offer of this.offers.take(first, count)) {
          this.recorder.file('service', { count: offer.count, dueFirstMs: offer.atMs, dueLastMs: offer.atMs, atMs })
        }
      }
      for (const piece of evenPieces(this.arrivals, first - this.blockFirst, count)) this.recorder.file(fate, { ...piece, atMs })
    }
    if (this.ledger.settle(settlement)) {
      this.lastSettledMs = now
      this.settled.ring()
      this.onlooker?.settled(settlement, { atMs: now - this.startMs, ...this.dueOf(settlement) })
    }
  }

  private dueOf({ first, count }: Settlement): Pick<SettlementTimes, 'due'> {
    if (this.arrivals === undefined) return {}
    const index = first - this.blockFirst
    return { due: { firstMs: this.arrivals.dueAt(index), lastMs: this.arrivals.dueAt(index + count - 1) } }
  }
}

/** Offers one block to a target that is open and whose settlements go to `desk`, and waits until all of it is settled. */
export async function replay(block: Block, target: Target, desk: Desk, context: DriverContext): Promise<BlockOutcome> {
  const cursor = await block.source.open(block.first, desk.buffers)
  try {
    return await new Driver(block, target, desk, context, cursor).run()
  } finally {
    await cursor.close()
  }
}

class Driver {
  private offered = 0
  private offeredBytes = 0
  private renderMs = 0
  private offerMs = 0
  private backlogAtStart: number | undefined
  private backlogAtEnd: number | undefined
  private readonly lag = new LatencyHistogram()
  private readonly lateness: Lateness
  private readonly startMs: number
  private readonly storedBefore: number
  private ended = false

  constructor(
    private readonly block: Block,
    private readonly target: Target,
    private readonly desk: Desk,
    private readonly context: DriverContext,
    private readonly cursor: Cursor,
  ) {
    this.startMs = context.clock.now()
    this.lateness = new Lateness(this.startMs)
    this.storedBefore = context.ledger.tally.stored
  }

  async run(): Promise<BlockOutcome> {
    const { block, context, desk, target } = this
    const { ledger, signal } = context
    desk.begin(this.startMs, block.first, block.arrivals, context.recorder)
    const abort = new AbortController()
    const stop = () => abort.abort(signal.reason)
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop, { once: true })
    const watch = setInterval(() => this.watch(abort), 1000)
    try {
      abort.signal.throwIfAborted()
      if (block.arrivals === undefined) await this.atFullSpeed(abort.signal)
      else await this.atArrivals(block.arrivals, abort.signal)
      await abortable(target.drain(abort.signal), abort.signal)
      return {
        offered: this.offered,
        offeredBytes: this.offeredBytes,
        stored: ledger.tally.stored - this.storedBefore,
        elapsedMs: Math.max(desk.lastSettledMs - this.startMs, 0),
        renderMs: this.renderMs,
        offerMs: this.offerMs,
        lag: this.lag,
        backlogAtStart: this.backlogAtStart ?? 0,
        backlogAtEnd: this.backlogAtEnd ?? 0,
      }
    } finally {
      clearInterval(watch)
      signal.removeEventListener('abort', stop)
      context.onProgress?.(ledger.offered - ledger.outstanding)
    }
  }

  private async atFullSpeed(signal: AbortSignal): Promise<void> {
    const { block, context } = this
    const size = block.chunkRecords ?? chunkRecords
    const endMs = this.startMs + (block.durationMs ?? Number.POSITIVE_INFINITY)
    while (!this.ended && this.offered < block.records && context.clock.now() < endMs) {
      signal.throwIfAborted()
      await this.offer(Math.min(size, block.records - this.offered), signal)
      // Timers, sockets and signals get their turn even if the target never waits.
      await context.clock.until(this.desk.troubled ? context.clock.now() + troubledPauseMs : 0)
      context.onProgress?.(context.ledger.offered - context.ledger.outstanding)
    }
  }

  private async atArrivals(arrivals: Arrivals, signal: AbortSignal): Promise<void> {
    const { block, context } = this
    const { clock } = context
    const size = block.chunkRecords ?? chunkRecords
    const total = block.durationMs === undefined ? block.records : Math.min(block.records, arrivals.dueBy(block.durationMs))
    const lastDueMs = arrivals.dueAt(total - 1)
    const settledBefore = context.ledger.offered - context.ledger.outstanding
    while (!this.ended && this.offered < total) {
      signal.throwIfAborted()
      const elapsedMs = clock.now() - this.startMs
      const due = Math.min(total, arrivals.dueBy(elapsedMs))
      const backlog = due - (context.ledger.offered - context.ledger.outstanding - settledBefore)
      if (elapsedMs >= (block.windowFromMs ?? 0)) this.backlogAtStart ??= backlog
      if (elapsedMs >= lastDueMs) this.backlogAtEnd ??= backlog
      const tickMs = clock.now()
      const count = Math.min(due - this.offered, size)
      if (count > 0) {
        await this.offer(count, signal, this.startMs + arrivals.dueAt(this.offered))
        context.onProgress?.(context.ledger.offered - context.ledger.outstanding)
      }
      // One tick at the least, so that a chunk holds what came due in a millisecond and not single records. When more is due
      // than a chunk holds, timers and sockets get their turn all the same: a target that never waits would starve them.
      await clock.until(count === size ? 0 : Math.max(tickMs + 1, this.startMs + arrivals.dueAt(this.offered)))
    }
    this.backlogAtEnd ??= context.ledger.outstanding
  }

  /** @param dueMs of the first of them, where they have a due time */
  private async offer(count: number, signal: AbortSignal, dueMs?: number): Promise<void> {
    const { clock, ledger } = this.context
    const { position } = this.cursor
    const begin = clock.now()
    const made = this.cursor.next(count)
    const lines = made instanceof Promise ? await made : made
    const rendered = clock.now()
    this.renderMs += rendered - begin
    if (lines === undefined || lines.count === 0) {
      this.ended = true
      return
    }
    if (dueMs !== undefined) this.lag.file(this.lateness.handed(dueMs, begin, rendered), lines.count)
    ledger.offer(lines.count)
    this.desk.offered(position, lines.count, rendered)
    this.offered += lines.count
    this.offeredBytes += lines.lines.length
    const idleBefore = clock.idle()
    await abortable(this.target.offer({ source: ledger.source, first: position, ...lines }), signal)
    const readyMs = clock.now()
    this.lateness.ready(readyMs, clock.idle() - idleBefore)
    this.offerMs += readyMs - rendered
  }

  /** Ends the block when there is nothing to be hoped for. */
  private watch(abort: AbortController): void {
    const { clock, ledger, stallMs = 30_000 } = this.context
    if (this.desk.dead) {
      abort.abort(new StalledError(`the store refuses everything: ${ledger.firstFailure ?? 'no reason given'}`))
    } else if (ledger.outstanding > 0 && clock.now() - Math.max(this.desk.lastSettledMs, this.startMs) > stallMs) {
      const trouble = this.target.trouble?.() ?? ledger.firstFailure
      abort.abort(
        new StalledError(
          `nothing was settled for ${Math.round(stallMs / 1000)} s although ${ledger.outstanding} records wait${trouble === undefined ? '' : `; last trouble: ${trouble}`}`,
        ),
      )
    }
  }
}
