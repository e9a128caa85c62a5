/** Retention: months go by, and while the newest is written the oldest is dropped. */
import { daysUntilMonth, type Scenario } from './scenario.js'

/** Months that a run of any length goes through: with two kept, two are dropped while later ones are written. */
const monthsLong = 4
const startDefaultMs = Date.UTC(2026, 0, 1)

export const retention: Scenario = {
  name: 'retention',
  summary: 'four months go by; as each begins, the oldest of more than two is dropped while ingesting (--keep-months)',
  profile: 'web',
  arrivals: 'constant',
  records: 1_000_000,
  parameters: { keepMonths: 2 },
  /** The drops happen at given positions of the stream, so the latency leg has to come as far as the full-speed leg. */
  latencyMs: 60_000,

  timing({ startMs, recordsPerDay }, records) {
    const start = startMs ?? startDefaultMs
    return { startMs: start, recordsPerDay: recordsPerDay ?? Math.max(1, Math.ceil(records / daysUntilMonth(start, monthsLong))) }
  },
}
