/** Month-end: a month ends in the middle of the run, so that writers need a month's partitions that they did not need before. */
import { dayMs, type Scenario } from './scenario.js'

/** February's last midnight. */
const monthEndMs = Date.UTC(2026, 2, 1)

export const monthEnd: Scenario = {
  name: 'month-end',
  summary: 'a month ends in the middle of the run, and its rows go to new partitions from there on',
  profile: 'web',
  arrivals: 'constant',
  records: 1_000_000,

  /**
   * Unasked, the run is two days long whatever its length: a profile's rate follows the time of day but a whole day
   * has its mean, so exactly half of the records lie before midnight. With a given rate the end lies near the middle.
   */
  timing({ startMs, recordsPerDay }, records) {
    const perDay = recordsPerDay ?? Math.max(1, Math.ceil(records / 2))
    const halfMs = (records / 2 / perDay) * dayMs
    return { startMs: startMs ?? monthEndMs - Math.max(1, Math.round(halfMs / 1000)) * 1000, recordsPerDay: perDay }
  },
}
