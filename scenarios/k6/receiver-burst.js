// Lines to the receiver at a rate that bursts: k6 sends a multiple of it now and then.
//
//   dist/k6 run scenarios/k6/receiver-burst.js          or, with a store and an audit: weir k6 receiver-burst
//
//   WEIR_URL          of the receiver (http://127.0.0.1:8080)
//   WEIR_TOKEN        its token, if it wants one
//   WEIR_RATE         records a second between bursts (2000)
//   WEIR_PEAK         times that rate in a burst (4)
//   WEIR_BURST        length of a burst (500ms)
//   WEIR_EVERY        from one burst to the next (2s)
//   WEIR_LINES        records in a request (100)
//   WEIR_DURATION     how long, in whole periods (30s)
//   WEIR_CONNECTIONS  connections, each with one request under way at a time (50)
//   WEIR_P99          fails above this p99 from due to answered; none: any (2s)
//   WEIR_SEED         another stream of the same profile (1)
//   WEIR_SOURCE, WEIR_FIRST  identity of the first record: number of the source (1) and position (0); a receiver takes each once
import { Lines } from './lib/lines.js'
import { bursts } from './lib/schedule.js'
import { Settings } from './lib/settings.js'
import { common, summarize } from './lib/summary.js'

const settings = new Settings('receiver-burst')
const schedule = bursts({
  rate: settings.count('rate'),
  per: settings.count('lines'),
  peak: settings.number('peak', '4'),
  burstMs: settings.milliseconds('burst'),
  everyMs: settings.milliseconds('every'),
  durationMs: settings.milliseconds('duration'),
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
