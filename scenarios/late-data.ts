/** Late data: some records belong to a month that is over, as from a machine that could not ship its log for a while. */
import type { Scenario } from './scenario.js'

/** The first day of a month: whatever is some hours late belongs to the month before. */
const monthStartMs = Date.UTC(2026, 2, 1)

export const lateData: Scenario = {
  name: 'late-data',
  summary: 'the first day of a month, with 2% of the records from months before: hours late, some of them weeks (--late-share)',
  profile: 'web',
  arrivals: 'constant',
  records: 1_000_000,
  parameters: { lateShare: 0.02 },

  timing({ startMs, recordsPerDay }, records) {
    return { startMs: startMs ?? monthStartMs, recordsPerDay: recordsPerDay ?? Math.max(1, records) }
  },

  shape: (spec, { parameters: { lateShare = 0 } }) => ({ ...spec, late: { share: lateShare } }),
}
