// A virtual user that asks the analytics service: question i is a function of the seed and its number, in the mix of a dashboard.
import exec from 'k6/execution'
import http from 'k6/http'
import { Counter, Trend } from 'k6/metrics'
import { fewDropped } from './schedule.js'

// From due to answered, and from sent to answered; by milliseconds of the wall clock, so that a stock k6 will do.
const due = new Trend('weir_question_due_ms', true)
const service = new Trend('weir_question_service_ms', true)
const lag = new Trend('weir_question_lag_ms', true)
const asked = new Counter('weir_questions')

/** Of twenty questions, so many are of this name. @type {[string, number][]} */
const shares = [
  ['hits', 6],
  ['top', 5],
  ['statuses', 3],
  ['latest', 3],
  ['visitors', 2],
  ['logins', 1],
]
/** The stretches that are asked about, as shares of all there is, counted back from its end. */
const stretches = [1, 0.5, 0.1]

/**
 * What can be asked about: times in milliseconds since 1970, and addresses that are there.
 * @typedef {{ fromMs: number, toMs: number, addresses: string[] }} View
 */

export class Questions {
  /**
   * @param {import('./settings.js').Settings} settings
   * @param {import('./schedule.js').Schedule} schedule
   * @param {string} url of the service
   */
  constructor(settings, schedule, url) {
    this.schedule = schedule
    this.seed = Number(settings.text('seed', '1').slice(-9))
    this.url = url
    this.headers = settings.authorization
  }

  /**
   * To be called by each iteration.
   * @param {View} view
   */
  ask(view) {
    const index = exec.scenario.iterationInTest
    if (index >= this.schedule.planned) return
    // Goes with every sample of the question, so that its due time is known from its number.
    exec.vu.metrics.metadata['request'] = String(index)
    const dueMs = exec.scenario.startTime + this.schedule.dueAtMs(index)
    const { question, path } = questionAt(this.seed, index, view)
    const sentMs = Date.now()
    const { status, body } = http.get(`${this.url}${path}`, { headers: this.headers, tags: { name: question }, responseType: 'text' })
    const answeredMs = Date.now()
    const whole = status === 200 && String(body).startsWith('{"data":[')
    const outcome = whole ? 'answered' : status === 429 || status === 503 ? 'refused' : 'failed'
    asked.add(1, { question, outcome })
    lag.add(sentMs - dueMs)
    if (outcome !== 'answered') return
    due.add(answeredMs - dueMs, { question })
    service.add(answeredMs - sentMs, { question })
  }

  /** What the service holds: asked once, before anything is measured. @returns {View} */
  look() {
    const days = this.listed('/v1/hits?step=hour&limit=1000').map(({ at }) => Date.parse(at))
    const addresses = this.listed('/v1/top/address?limit=100').map(({ value }) => value)
    if (days.length === 0) throw new Error(`${this.url} has no rows to ask about`)
    return { fromMs: Math.min(...days), toMs: Math.max(...days) + 3_600_000, addresses }
  }

  /** For the summary. */
  report() {
    return { planned: this.schedule.planned }
  }

  get thresholds() {
    return { 'weir_questions{outcome:failed}': ['count==0'], 'dropped_iterations{scenario:questions}': [fewDropped(this.schedule)] }
  }

  /** @param {string} path @returns {any[]} */
  listed(path) {
    const { status, body, error } = http.get(`${this.url}${path}`, { headers: this.headers, responseType: 'text' })
    if (status === 200) return JSON.parse(String(body)).data
    throw new Error(`${this.url}${path} answered ${status || error}: is that the analytics service, and WEIR_TOKEN its token?`)
  }
}

/**
 * @param {number} seed
 * @param {number} index
 * @param {View} view
 */
function questionAt(seed, index, { fromMs, toMs, addresses }) {
  const random = sequence(seed, index)
  const question = weighted(random())
  const length = pick(stretches, random()) * Math.max(0, toMs - fromMs)
  const span = `from=${new Date(toMs - length).toISOString()}&to=${new Date(toMs).toISOString()}`
  switch (question) {
    case 'hits':
      return { question, path: `/v1/hits?${span}&step=${pick(['minute', 'hour', 'day'], random())}&limit=100` }
    case 'top':
      return { question, path: `/v1/top/${pick(['path', 'address', 'agent'], random())}?${span}&limit=100` }
    case 'latest':
      return { question, path: `/v1/addresses/${encodeURIComponent(pick(addresses, random()))}/latest?${span}&limit=100` }
    case 'logins':
      return { question, path: `/v1/logins?${span}&limit=100` }
    default:
      return { question, path: `/v1/${question}?${span}` }
  }
}

/** @param {number} at */
function weighted(at) {
  let left = at * shares.reduce((sum, [, share]) => sum + share, 0)
  for (const [name, share] of shares) {
    left -= share
    if (left < 0) return name
  }
  return 'hits'
}

/**
 * @template T
 * @param {readonly T[]} items
 * @param {number} at
 */
function pick(items, at) {
  const item = items[Math.floor(at * items.length)]
  if (item === undefined) throw new Error('there is nothing to choose from')
  return item
}

/** Numbers in [0, 1) for one question: a Weyl sequence through the finalizer of MurmurHash3. @param {number} seed @param {number} index */
function sequence(seed, index) {
  let state = (Math.imul(seed, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca77)) >>> 0
  return () => {
    state = (state + 0x9e3779b9) >>> 0
    let mixed = Math.imul(state ^ (state >>> 16), 0x85ebca6b)
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
    return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32
  }
}
