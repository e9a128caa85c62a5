// Questions at a constant rate to the analytics service (weir serve analytics), in the mix of a dashboard. Any k6 runs it.
//
//   k6 run scenarios/k6/analytics-read.js          or, with a store that it fills first: weir k6 analytics-read
//
//   WEIR_URL          of the analytics service (http://127.0.0.1:8080)
//   WEIR_TOKEN        its token, if it wants one
//   WEIR_QUESTIONS    questions a second (20)
//   WEIR_DURATION     how long (30s)
//   WEIR_CONNECTIONS  connections, each with one question under way at a time (20)
//   WEIR_P99          fails above this p99 from due to answered; none: any (2s)
//   WEIR_SEED         another sequence of questions (1)
import { Questions } from './lib/questions.js'
import { constant } from './lib/schedule.js'
import { Settings } from './lib/settings.js'
import { common, summarize } from './lib/summary.js'

const settings = new Settings('analytics-read')
const schedule = constant({
  rate: settings.count('questions'),
  per: 1,
  durationMs: settings.milliseconds('duration'),
  connections: settings.count('connections'),
})
const questions = new Questions(settings, schedule, settings.url())

/** @type {import('k6/options').Options} */
export const options = {
  ...common,
  scenarios: { questions: schedule.scenario },
  thresholds: { ...questions.thresholds, ...settings.p99('weir_question_due_ms') },
}

export const setup = () => questions.look()

/** @param {import('./lib/questions.js').View} view */
export default (view) => questions.ask(view)

/** @param {any} data */
export const handleSummary = (data) => summarize(settings.script, data, { questions: questions.report() })
