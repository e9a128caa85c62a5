/** Events of a run: months that the scenario drops while records flow in, and how much that disturbs the flow. */
import { firstPositionAt } from '../generators/renderer.js'
import type { StreamSpec } from '../generators/source.js'
import { Recorder } from '../results/recorder.js'
import type { Disturbance, Flow, RunEvent } from '../results/result.js'
import type { DroppedMonth, Settlement } from '../stores/store.js'
import type { Clock } from './clock.js'
import { type Drop, flowBeside, flowOf, sumOf } from './flow.js'
import type { DroppedSpan, Ledger } from './ledger.js'

/** When a settlement arrived, and when its records were due where that was set: milliseconds since the block began. */
export interface SettlementTimes {
  readonly atMs: number
  readonly due?: { readonly firstMs: number; readonly lastMs: number }
}

/** Looks on while a contender's settlements arrive. */
export interface Onlooker {
  /** A block begins, at this time of the clock. */
  begin(startMs: number): void
  /** A settlement was filed in the ledger. */
  settled(settlement: Settlement, times: SettlementTimes): void
}

/** Two that look on, the first one first; either may be missing. */
export function both(first: Onlooker | undefined, second: Onlooker | undefined): Onlooker | undefined {
  if (first === undefined || second === undefined) return first ?? second
  return {
    begin(startMs) {
      first.begin(startMs)
      second.begin(startMs)
    },
    settled(settlement, times) {
      first.settled(settlement, times)
      second.settled(settlement, times)
    },
  }
}

export interface RetentionOptions {
  readonly spec: StreamSpec
  /** Months that stay, the one being written included. */
  readonly keepMonths: number
  readonly ledger: Ledger
  readonly dropMonth: (month: string) => Promise<DroppedMonth>
  readonly clock: Clock
}

/** A drop as it was seen; `drop` says when. */
interface Seen {
  readonly event: Omit<RunEvent, 'leg' | 'meanwhile'>
  meanwhile: Flow | undefined
}

/**
 * Drops the oldest month as soon as the stream has come to the month that is one too many and every record of the oldest
 * has met its fate: from then on no writer has a row for it, so that nobody makes it again. One drop at a time.
 */
export class Retention implements Onlooker {
  private readonly seen: Seen[] = []
  private readonly usual: Flow[] = []
  private readonly latencies = { meanwhile: latencyRecorder(), otherwise: latencyRecorder(), filed: false }
  private failure: Error | undefined
  private dropping: Promise<void> | undefined
  /** The month to be dropped next, counted from the stream's first. */
  private oldest = 0
  private dueAt: number
  // Of the block under way.
  private block = -1
  private startMs = 0
  private open = false
  private drops: Drop[] = []
  private stored: { readonly atMs: number; readonly records: number }[] = []

  constructor(private readonly options: RetentionOptions) {
    this.dueAt = this.firstOf(options.keepMonths)
  }

  begin(startMs: number): void {
    this.block++
    this.startMs = startMs
    this.open = true
    this.drops = []
    this.stored = []
  }

  settled({ fate, count }: Settlement, { atMs, due }: SettlementTimes): void {
    if (fate === 'stored') {
      this.stored.push({ atMs, records: count })
      if (due !== undefined) {
        const beside = this.drops.some(({ fromMs, toMs }) => fromMs <= atMs && toMs >= due.firstMs)
        const recorder = beside ? this.latencies.meanwhile : this.latencies.otherwise
        recorder.file('stored', { count, dueFirstMs: due.firstMs, dueLastMs: due.lastMs, atMs })
        this.latencies.filed = true
      }
    }
    this.look()
  }

  /**
   * A block has ended: waits for the drop that may be under way, and takes stock.
   * @throws Error when a month could not be dropped
   */
  async end(): Promise<void> {
    while (this.dropping !== undefined) await this.dropping
    if (this.open) this.takeStock()
    this.open = false
    if (this.failure !== undefined) throw this.failure
  }

  /** What happened in this leg. */
  events(leg: RunEvent['leg']): RunEvent[] {
    return this.seen.map(({ event, meanwhile }) => ({ ...event, leg, meanwhile: meanwhile ?? null }))
  }

  disturbance(): Disturbance {
    const { meanwhile, otherwise, filed } = this.latencies
    return {
      meanwhile: sumOf(this.seen.flatMap((seen) => seen.meanwhile ?? [])),
      otherwise: sumOf(this.usual),
      latency: filed ? { meanwhile: meanwhile.quantiles('stored') ?? null, otherwise: otherwise.quantiles('stored') ?? null } : null,
    }
  }

  private look(): void {
    const { ledger } = this.options
    if (this.dropping !== undefined || this.failure !== undefined || ledger.first + ledger.offered <= this.dueAt) return
    const to = this.firstOf(this.oldest + 1)
    if (ledger.settledTo < to) return
    const from = Math.max(this.firstOf(this.oldest), ledger.first)
    this.dropping = this.drop({ month: this.monthOf(this.oldest), from, to }).finally(() => {
      this.dropping = undefined
      this.look()
    })
    this.oldest++
    this.dueAt = this.firstOf(this.oldest + this.options.keepMonths)
  }

  private async drop(span: DroppedSpan): Promise<void> {
    const { dropMonth, ledger, clock } = this.options
    const { block } = this
    const drop: Drop = { fromMs: clock.now() - this.startMs, toMs: Number.POSITIVE_INFINITY }
    this.drops.push(drop)
    try {
      const { rows, positions, bytes, stepsMs } = await dropMonth(span.month)
      ledger.drop({ ...span, rows, ...(positions === undefined ? {} : { positions }) })
      drop.toMs = clock.now() - this.startMs
      const event = {
        kind: 'drop-month' as const,
        month: span.month,
        block,
        atMs: drop.fromMs,
        tookMs: drop.toMs - drop.fromMs,
        rows,
        bytes,
      }
      this.seen.push({ event: { ...event, ...(stepsMs === undefined ? {} : { stepsMs }) }, meanwhile: undefined })
      drop.seen = this.seen.length - 1
    } catch (error) {
      drop.toMs = clock.now() - this.startMs
      ledger.doubt(span)
      this.failure = new Error(`month ${span.month} could not be dropped: ${error instanceof Error ? error.message : String(error)}`)
    }
  }

  private takeStock(): void {
    for (const drop of this.drops) {
      const seen = drop.seen === undefined ? undefined : this.seen[drop.seen]
      if (seen !== undefined) seen.meanwhile = flowBeside(drop, this.stored)
    }
    const usual = flowOf(this.drops, this.stored)
    if (usual !== undefined) this.usual.push(usual)
    this.stored = []
  }

  /** First instant of a month, counted from the stream's first. */
  private startOf(month: number): number {
    const at = new Date(this.options.spec.startMs)
    return Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + month, 1)
  }

  private firstOf(month: number): number {
    return month === 0 ? 0 : firstPositionAt(this.options.spec, this.startOf(month))
  }

  private monthOf(month: number): string {
    return new Date(this.startOf(month)).toISOString().slice(0, 7)
  }
}

/** A leg's blocks have different lengths and one histogram. */
function latencyRecorder(): Recorder {
  return new Recorder({ fromMs: 0, toMs: Number.POSITIVE_INFINITY })
}
