// 100,000 submissions that are due at once, over a number of connections: what brought down the Postgres of a published hit counter.
// Each waits for a free connection, and its latency runs from the start, when it was due.
//
//   dist/k6 run scenarios/k6/receiver-100k.js          or, with a store and an audit: weir k6 receiver-100k
//
//   WEIR_URL          of the receiver (http://127.0.0.1:8080)
//   WEIR_TOKEN        its token, if it wants one
//   WEIR_SUBMISSIONS  requests in all (100000)
//   WEIR_LINES        records in a request (1)
//   WEIR_DURATION     by then it must be done; what is left is due and never sent (30m)
//   WEIR_CONNECTIONS  connections, each with one request under way at a time (200)
//   WEIR_P99          fails above this p99 from due to answered; none: any (none)
//   WEIR_SEED         another stream of the same profile (1)
//   WEIR_SOURCE, WEIR_FIRST  identity of the first record: number of the source (1) and position (0); a receiver takes each once
import { Lines } from './lib/lines.js'
import { atOnce } from './lib/schedule.js'
import { Settings } from './lib/settings.js'
import { common, summarize } from './lib/summary.js'

const settings = new Settings('receiver-100k')
const schedule = atOnce({
  requests: settings.count('submissions'),
  withinMs: settings.milliseconds('duration'),
  connections: settings.count('connections'),
})
const lines = new Lines(settings, schedule)

/** @type {import('k6/options').Options} */
export const options = {
  ...common,
  scenarios: { lines: schedule.scenario },
  thresholds: { ...lines.thresholds, ...settings.p99('weir_due_ms') },
}

export default () => lines.send()

/** @param {any} data */
export const handleSummary = (data) => summarize(settings.script, data, { lines: lines.report() })
