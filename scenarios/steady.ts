/** Steady: an ordinary day of a site of a million hits a day, the default. */
import type { Scenario } from './scenario.js'

export const steady: Scenario = {
  name: 'steady',
  summary: 'an ordinary site, a million records a day, nothing special happens',
  profile: 'web',
  arrivals: 'constant',
  records: 1_000_000,

  timing({ startMs, recordsPerDay }) {
    return { startMs: startMs ?? Date.UTC(2026, 0, 5), recordsPerDay: recordsPerDay ?? 1_000_000 }
  },
}
