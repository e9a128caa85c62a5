/** Questions sent to the analytics side at an open-loop rate while a run goes on, and how long their answers took. */
import { setMaxListeners } from 'node:events'
import { LatencyHistogram } from '../results/histogram.js'
import type { AnalyticsFigures, QueryFigures } from '../results/result.js'
import { type NamedQuery, queryAt, type StreamView } from './analytics-mix.js'
import type { AnalyticsTransport } from './analytics-transport.js'
import type { Arrivals } from './arrivals/arrivals.js'
import type { Clock } from './clock.js'
import { longestWaitMs, settledWithin } from './grace.js'

export interface AnalyticsLoadOptions {
  readonly transport: AnalyticsTransport
  readonly clock: Clock
  /** When questions are due. */
  readonly arrivals: Arrivals
  /** What the stream holds now; undefined while there is nothing yet to ask about: questions then wait, their due time stands. */
  readonly view: () => StreamView | undefined
  readonly seed: number
  /** Questions under way at the most (default 16). */
  readonly concurrency?: number
  /** `stop` waits so long for answers under way (default 5 s). */
  readonly graceMs?: number
}

/** Different errors that are told apart; the rest is counted together. */
const errorsKept = 20
const otherErrors = 'other errors'
const unanswered = 'no answer came before the end of the run'

interface Account {
  asked: number
  answered: number
  failed: number
  readonly latency: LatencyHistogram
}

/**
 * Nobody waits for answers: question i is due at its time, whatever became of those before it. When too many are under
 * way it waits here, and the wait is part of its latency.
 */
export class AnalyticsLoad {
  private readonly latency = new LatencyHistogram()
  private readonly service = new LatencyHistogram()
  private readonly byQuery = new Map<NamedQuery['name'], Account>()
  private readonly errors = new Map<string, number>()
  private readonly underWay = new Set<Promise<void>>()
  private readonly abort = new AbortController()
  private running: Promise<void> | undefined
  private startMs = 0
  /** Questions that have come due, and those of them that were sent. */
  private due = 0
  private sent = 0
  private failed = 0
  private stopped = false

  constructor(private readonly options: AnalyticsLoadOptions) {
    // As many listen as questions are under way: no leak, and no warning of one.
    setMaxListeners(0, this.abort.signal)
  }

  /** Question 0 is due now. */
  start(): void {
    this.startMs = this.options.clock.now()
    this.running ??= this.run()
  }

  /** Sends no more, waits for the answers under way, and says what was measured. */
  async stop(): Promise<AnalyticsFigures> {
    const { clock, arrivals, graceMs = 5000 } = this.options
    if (!this.stopped && this.running !== undefined) this.due = Math.max(this.due, arrivals.dueBy(clock.now() - this.startMs))
    this.stopped = true
    const answers = Promise.allSettled([...this.underWay])
    await settledWithin(answers, clock, graceMs)
    this.abort.abort(new Error(unanswered))
    await answers
    return this.figures()
  }

  /** Takes in what another load, stopped like this one, has measured. */
  add(other: AnalyticsLoad): void {
    this.due += other.due
    this.sent += other.sent
    this.failed += other.failed
    this.latency.add(other.latency)
    this.service.add(other.service)
    for (const [name, { asked, answered, failed, latency }] of other.byQuery) {
      const account = this.accountOf(name)
      account.asked += asked
      account.answered += answered
      account.failed += failed
      account.latency.add(latency)
    }
    for (const [message, count] of other.errors) this.errors.set(message, (this.errors.get(message) ?? 0) + count)
  }

  private async run(): Promise<void> {
    const { clock, arrivals } = this.options
    while (!this.stopped) {
      this.due = arrivals.dueBy(clock.now() - this.startMs)
      this.sendDue()
      await clock.until(Math.min(this.startMs + arrivals.dueAt(this.due), clock.now() + longestWaitMs))
    }
  }

  /** Sends what is due, as far as there is room. */
  private sendDue(): void {
    const { concurrency = 16, seed } = this.options
    while (!this.stopped && this.sent < this.due && this.underWay.size < concurrency) {
      const view = this.options.view()
      if (view === undefined) return
      const index = this.sent++
      const asking = this.ask(queryAt(seed, index, view), index).finally(() => {
        this.underWay.delete(asking)
        this.sendDue()
      })
      this.underWay.add(asking)
    }
  }

  private async ask(query: NamedQuery, index: number): Promise<void> {
    const { clock, arrivals, transport } = this.options
    const account = this.accountOf(query.name)
    account.asked++
    const sentMs = clock.now()
    try {
      await transport.ask(query, this.abort.signal)
      const now = clock.now()
      const latencyMs = now - this.startMs - arrivals.dueAt(index)
      this.latency.file(latencyMs, 1)
      account.latency.file(latencyMs, 1)
      this.service.file(now - sentMs, 1)
      account.answered++
    } catch (error) {
      account.failed++
      this.failed++
      const message = error instanceof Error ? error.message : String(error)
      const key = this.errors.has(message) || this.errors.size < errorsKept ? message : otherErrors
      this.errors.set(key, (this.errors.get(key) ?? 0) + 1)
    }
  }

  private accountOf(name: NamedQuery['name']): Account {
    const account = this.byQuery.get(name) ?? { asked: 0, answered: 0, failed: 0, latency: new LatencyHistogram() }
    this.byQuery.set(name, account)
    return account
  }

  /** What was measured so far. */
  figures(): AnalyticsFigures {
    const byQuery: Record<string, QueryFigures> = {}
    for (const [name, { asked, answered, failed, latency }] of [...this.byQuery].sort(([a], [b]) => (a < b ? -1 : 1))) {
      byQuery[name] = { asked, answered, failed, latency: latency.quantiles() ?? null }
    }
    return {
      rate: this.options.arrivals.recordsPerSecond,
      asked: this.due,
      answered: this.latency.count,
      failed: this.failed,
      unsent: this.due - this.sent,
      latency: this.latency.quantiles() ?? null,
      service: this.service.quantiles() ?? null,
      byQuery,
      errors: Object.fromEntries(this.errors),
    }
  }
}
