/** How long a stored record takes until a query sees it: probed now and then during a run, so known to an interval. */
import { LatencyHistogram } from '../results/histogram.js'
import type { ProbedStage, Span, Visibility } from '../results/result.js'
import type { Settlement } from '../stores/store.js'
import type { Clock } from './clock.js'
import { longestWaitMs, settledWithin } from './grace.js'

export interface VisibilityOptions {
  /** Whether a query sees this record now: Store.seen. */
  readonly seen: (source: number, position: number) => Promise<boolean>
  readonly clock: Clock
  /** At the most one probe begins in so many milliseconds (default 50). */
  readonly everyMs?: number
  /** A record that no query has seen for so long is given up, and the next is probed (default 10 s). */
  readonly giveUpMs?: number
  /** `stop` waits so long for an answer under way (default 2 s). */
  readonly graceMs?: number
}

/** Waits between two questions about a record: an eighth of the time since it was stored, so that the interval is that narrow, a millisecond at the least. */
const shortestWaitMs = 1

/**
 * Follows one record at a time. The time from stored to seen lies between two moments that are known: the sending of the
 * last question that was answered no (the record's own settlement when there was none) and the coming of the first yes.
 */
export class VisibilityProbe {
  private readonly low = new LatencyHistogram()
  private readonly high = new LatencyHistogram()
  /** The same from when the record was due, where it was due at some time. */
  private readonly dueLow = new LatencyHistogram()
  private readonly dueHigh = new LatencyHistogram()
  private following: Promise<void> | undefined
  private stopped = false
  private nextMs = Number.NEGATIVE_INFINITY
  private unseen = 0
  private failures = 0
  private pending = 0

  constructor(private readonly options: VisibilityOptions) {}

  /**
   * Takes notice of a settlement at the moment of its arrival. Cheap: nearly all are let pass.
   * @param sinceDueMs how long ago its last record was due
   */
  settled({ fate, source, first, count }: Settlement, sinceDueMs?: number): void {
    if (fate !== 'stored' || count <= 0 || this.following !== undefined || this.stopped) return
    const now = this.options.clock.now()
    if (now < this.nextMs) return
    this.nextMs = now + (this.options.everyMs ?? 50)
    this.pending = 1
    this.following = this.follow(source, first + count - 1, now, sinceDueMs).finally(() => {
      this.following = undefined
    })
  }

  /** Begins no more probes, waits for the answer under way, and says what was found. Idempotent. */
  async stop(): Promise<Visibility> {
    this.stopped = true
    const { clock, graceMs = 2000 } = this.options
    if (this.following !== undefined) await settledWithin(this.following, clock, graceMs)
    const { count: probes } = this.low
    const span = (q: number): Span | null => (probes === 0 ? null : { low: this.low.quantile(q), high: this.high.quantile(q) })
    return {
      probes,
      unseen: this.unseen,
      pending: this.pending,
      failures: this.failures,
      p50: span(0.5),
      p99: span(0.99),
      max: span(1),
    }
  }

  /** From due to seen; undefined where nothing that was followed had been due at a time. */
  stage(): ProbedStage | undefined {
    const [low, high] = [this.dueLow.quantiles(), this.dueHigh.quantiles()]
    return low === undefined || high === undefined ? undefined : { probes: this.dueLow.count, low, high }
  }

  private async follow(source: number, position: number, storedMs: number, sinceDueMs: number | undefined): Promise<void> {
    const { clock, seen, giveUpMs = 10_000 } = this.options
    let lowMs = 0
    for (;;) {
      const sentMs = clock.now()
      const answer = await seen(source, position).catch(() => undefined)
      const sinceMs = clock.now() - storedMs
      if (answer === true) {
        this.low.file(lowMs, 1)
        this.high.file(sinceMs, 1)
        if (sinceDueMs !== undefined && sinceDueMs >= 0) {
          this.dueLow.file(sinceDueMs + lowMs, 1)
          this.dueHigh.file(sinceDueMs + sinceMs, 1)
        }
        this.pending = 0
        return
      }
      // A question that failed says nothing about the record.
      if (answer === false) lowMs = sentMs - storedMs
      else this.failures++
      if (sinceMs >= giveUpMs) {
        this.unseen++
        this.pending = 0
        return
      }
      if (this.stopped) return
      await clock.until(clock.now() + Math.min(longestWaitMs, Math.max(shortestWaitMs, sinceMs / 8)))
    }
  }
}
