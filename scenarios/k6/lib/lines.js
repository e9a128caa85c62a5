// A virtual user that sends lines to the receiver: request i has records first + i x lines on, and what became of them is noted.
import exec from 'k6/execution'
import http from 'k6/http'
import { Counter, Gauge, Trend } from 'k6/metrics'
import { fewDropped } from './schedule.js'
import { Supply } from './supply.js'

// From due to answered 202, from sent to answered 202 (what k6 calls latency: service time), and from due to sent.
const due = new Trend('weir_due_ms', true)
const service = new Trend('weir_service_ms', true)
const lag = new Trend('weir_lag_ms', true)
const requests = new Counter('weir_requests')
// When it all began, milliseconds since 1970.
const start = new Gauge('weir_start_ms')

export class Lines {
  /**
   * @param {import('./settings.js').Settings} settings
   * @param {import('./schedule.js').Schedule} schedule
   */
  constructor(settings, schedule) {
    this.schedule = schedule
    this.count = settings.count('lines')
    this.seed = settings.text('seed', '1')
    this.source = settings.number('source', '1')
    this.first = settings.number('first', '0')
    this.url = `${settings.url()}/v1/lines`
    this.headers = { 'Content-Type': 'text/plain', 'Weir-Source': String(this.source), ...settings.authorization }
    this.supply = new Supply(this)
  }

  /** To be called by each iteration. */
  async send() {
    const index = exec.scenario.iterationInTest
    // The last tick may fall on the very end of the time, or not: what is beyond the plan is nobody's.
    if (index >= this.schedule.planned) return
    if (index === 0) start.add(exec.scenario.startTime)
    // Goes with every sample of the request, so that its due time is known from its number.
    exec.vu.metrics.metadata['request'] = String(index)
    const first = this.first + index * this.count
    const dueMs = this.schedule.dueAtMs(index)
    const body = await this.supply.body(index, first)
    // Before it is sent: whoever is interrupted on the way leaves it in doubt.
    this.supply.note('sent', first)
    const sentMs = this.supply.sinceStartMs()
    const { status } = http.post(this.url, body, {
      headers: { ...this.headers, 'Weir-First': String(first) },
      tags: { name: 'lines' },
    })
    const answeredMs = this.supply.sinceStartMs()
    const fate = status === 202 ? 'accepted' : status === 429 || status === 503 ? 'refused' : 'failed'
    this.supply.note(fate, first)
    requests.add(1, { fate })
    lag.add(sentMs - dueMs)
    if (fate !== 'accepted') return
    due.add(answeredMs - dueMs)
    service.add(answeredMs - sentMs)
  }

  /** For the summary: the schedule, and what became of which records. To be called by handleSummary. */
  report() {
    const { count, seed, source, first, schedule } = this
    return { planned: schedule.planned, lines: count, seed, source, first, noted: this.supply.noted() }
  }

  /** What must hold in the end: nothing failed, and hardly anything was left unsent. */
  get thresholds() {
    return { 'weir_requests{fate:failed}': ['count==0'], 'dropped_iterations{scenario:lines}': [fewDropped(this.schedule)] }
  }
}
