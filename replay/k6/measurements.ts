/** What k6's samples and the processor's receipts amount to: latencies of lines from due to accepted and stored, and of questions. */
import { LatencyHistogram } from '../../results/histogram.js'
import { Recorder, type Settled } from '../../results/recorder.js'
import type { AnalyticsFigures, QueryFigures } from '../../results/result.js'
import type { Settlement } from '../../stores/store.js'
import type { Sample } from './run-k6.js'
import type { RequestSchedule } from './schedule.js'

/** Records that were stored together, and when that was heard of, milliseconds since 1970. */
interface Stored extends Pick<Settlement, 'first' | 'count'> {
  readonly atMs: number
}

/** Lines: each request's, weighted by their number. */
export class LineMeasurements {
  readonly recorder: Recorder
  /** Due to sent. */
  readonly lag = new LatencyHistogram()
  readonly requests = { accepted: 0, refused: 0, failed: 0 }
  /** When the scenario began, milliseconds since 1970, cut to whole ones. */
  private startMs: number | undefined
  private readonly stored: Stored[] = []

  /** @param durable what is accepted survives a crash by then */
  constructor(
    private readonly schedule: RequestSchedule,
    private readonly durable: boolean,
  ) {
    this.recorder = new Recorder({ fromMs: 0, toMs: Math.max(1, schedule.spanMs) })
  }

  take({ metric, value, tags, request }: Sample): void {
    if (metric === 'weir_start_ms') this.startMs = value
    else if (metric === 'weir_lag_ms') this.lag.file(value, this.schedule.each)
    else if (metric === 'weir_requests') this.count(tags['fate'])
    else if (metric === 'weir_service_ms') this.recorder.file('service', this.settled(request, value))
    else if (metric === 'weir_due_ms') {
      this.recorder.file('accepted', this.settled(request, value))
      if (this.durable) this.recorder.file('durable', this.settled(request, value))
    }
  }

  /** To be called when it is heard that records are stored: it is that late, and never early. */
  store({ first, count }: Pick<Settlement, 'first' | 'count'>, atMs: number): void {
    this.stored.push({ first, count, atMs })
  }

  /** Files what was stored; to be called once, when k6 has ended. Milliseconds from the start to the last of it. */
  finish(): number {
    const { startMs, schedule } = this
    if (startMs === undefined) return 0
    let last = 0
    for (const { first, count, atMs } of this.stored) {
      const sinceStartMs = atMs - startMs
      last = Math.max(last, sinceStartMs)
      // Records of a request are due together.
      for (let position = first; position < first + count; ) {
        const request = Math.floor(position / schedule.each)
        const end = Math.min(first + count, (request + 1) * schedule.each)
        const dueMs = schedule.dueAtMs(request)
        this.recorder.file('stored', { count: end - position, dueFirstMs: dueMs, dueLastMs: dueMs, atMs: sinceStartMs })
        position = end
      }
    }
    return last
  }

  private count(fate: string | undefined): void {
    if (fate === 'accepted' || fate === 'refused' || fate === 'failed') this.requests[fate]++
  }

  private settled(request: number, latencyMs: number): Settled {
    const dueMs = this.schedule.dueAtMs(request)
    return { count: this.schedule.each, dueFirstMs: dueMs, dueLastMs: dueMs, atMs: dueMs + latencyMs }
  }
}

interface Account {
  asked: number
  answered: number
  failed: number
  readonly latency: LatencyHistogram
}

/** Questions, by name. */
export class QuestionMeasurements {
  readonly recorder: Recorder
  readonly lag = new LatencyHistogram()
  /** Answered 429 or 503: of those that failed. */
  refused = 0
  private readonly latency = new LatencyHistogram()
  private readonly service = new LatencyHistogram()
  private readonly byQuery = new Map<string, Account>()
  private readonly errors = new Map<string, number>()
  private lastMs = 0

  constructor(private readonly schedule: RequestSchedule) {
    this.recorder = new Recorder({ fromMs: 0, toMs: Math.max(1, schedule.spanMs) })
  }

  take({ metric, value, tags, request }: Sample): void {
    const name = tags['question'] ?? ''
    if (metric === 'weir_question_lag_ms') this.lag.file(value, 1)
    else if (metric === 'weir_question_service_ms') this.service.file(value, 1)
    else if (metric === 'weir_questions') this.count(name, tags['outcome'])
    else if (metric === 'weir_question_due_ms') {
      this.latency.file(value, 1)
      this.accountOf(name).latency.file(value, 1)
      const dueMs = this.schedule.dueAtMs(request)
      this.recorder.file('stored', { count: 1, dueFirstMs: dueMs, dueLastMs: dueMs, atMs: dueMs + value })
      this.lastMs = Math.max(this.lastMs, dueMs + value)
    }
  }

  /** From the start to the last answer. */
  get elapsedMs(): number {
    return this.lastMs
  }

  figures(): AnalyticsFigures {
    const accounts = [...this.byQuery].sort(([a], [b]) => (a < b ? -1 : 1))
    const sum = (pick: (account: Account) => number) => accounts.reduce((total, [, account]) => total + pick(account), 0)
    const byQuery: Record<string, QueryFigures> = {}
    for (const [name, { asked, answered, failed, latency }] of accounts)
      byQuery[name] = { asked, answered, failed, latency: latency.quantiles() ?? null }
    return {
      rate: this.schedule.rate,
      asked: this.schedule.planned,
      answered: sum(({ answered }) => answered),
      failed: sum(({ failed }) => failed),
      unsent: Math.max(0, this.schedule.planned - sum(({ asked }) => asked)),
      latency: this.latency.quantiles() ?? null,
      service: this.service.quantiles() ?? null,
      byQuery,
      errors: Object.fromEntries(this.errors),
    }
  }

  private count(name: string, outcome: string | undefined): void {
    const account = this.accountOf(name)
    account.asked++
    if (outcome === 'answered') {
      account.answered++
      return
    }
    account.failed++
    if (outcome === 'refused') this.refused++
    const kind = outcome === 'refused' ? 'refused (429 or 503)' : 'another answer, or none'
    this.errors.set(kind, (this.errors.get(kind) ?? 0) + 1)
  }

  private accountOf(name: string): Account {
    const account = this.byQuery.get(name) ?? { asked: 0, answered: 0, failed: 0, latency: new LatencyHistogram() }
    this.byQuery.set(name, account)
    return account
  }
}
