// Lines at a constant rate to the receiver, and at the same time questions to the analytics service about what has arrived.
//
//   dist/k6 run scenarios/k6/mixed.js          or, with a store and an audit: weir k6 mixed
//
//   WEIR_URL            of the receiver (http://127.0.0.1:8080)
//   WEIR_ANALYTICS_URL  of the analytics service on the store that the lines end in (http://127.0.0.1:8081)
//   WEIR_TOKEN          their token, if they want one
//   WEIR_RATE           records a second (2000)
//   WEIR_LINES          records in a request (100)
//   WEIR_QUESTIONS      questions a second (10)
//   WEIR_DURATION       how long (30s)
//   WEIR_CONNECTIONS    connections of each of the two, each with one request under way at a time (50)
//   WEIR_P99            fails above this p99 from due to answered, of lines as of questions; none: any (2s)
//   WEIR_SEED           another stream of the same profile, and other questions (1)
//   WEIR_SOURCE, WEIR_FIRST  identity of the first record: number of the source (1) and position (0); a receiver takes each once
import { knownAddresses } from './lib/addresses.js'
import { Lines } from './lib/lines.js'
import { Questions } from './lib/questions.js'
import { constant } from './lib/schedule.js'
import { Settings } from './lib/settings.js'
import { common, summarize } from './lib/summary.js'

const settings = new Settings('mixed')
const wish = { durationMs: settings.milliseconds('duration'), connections: settings.count('connections') }
const flow = constant({ ...wish, rate: settings.count('rate'), per: settings.count('lines') })
const asking = constant({ ...wish, rate: settings.count('questions'), per: 1 })
const lines = new Lines(settings, flow)
const questions = new Questions(settings, asking, settings.url('analytics_url', 'http://127.0.0.1:8081'))

/** When the stream begins, and how dense it is: the profile's own. */
const startMs = Date.UTC(2026, 0, 1)
const recordsPerMs = 15_000_000 / 86_400_000

/** @type {import('k6/options').Options} */
export const options = {
  ...common,
  scenarios: { lines: { ...flow.scenario, exec: 'send' }, questions: { ...asking.scenario, exec: 'ask' } },
  thresholds: {
    ...lines.thresholds,
    ...questions.thresholds,
    ...settings.p99('weir_due_ms'),
    ...settings.p99('weir_question_due_ms'),
  },
}

/** The store is empty yet: what will be there is known from the stream. @returns {import('./lib/questions.js').View} */
export const setup = () => ({
  fromMs: startMs,
  toMs: startMs + Math.ceil((lines.first + flow.planned * lines.count) / recordsPerMs),
  addresses: knownAddresses(lines.seed),
})

export const send = () => lines.send()

/** @param {import('./lib/questions.js').View} view */
export const ask = (view) => questions.ask(view)

/** @param {any} data */
export const handleSummary = (data) => summarize(settings.script, data, { lines: lines.report(), questions: questions.report() })
