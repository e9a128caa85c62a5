/** Steady: the profile's own days, one like the other; the default. */
import { profileNamed } from '../generators/profiles.js'
import type { Scenario } from './scenario.js'

export const steady: Scenario = {
  name: 'steady',
  summary: 'an ordinary site on ordinary days, as dense as its profile; nothing special happens',
  profile: 'web',
  arrivals: 'constant',
  records: 1_000_000,

  timing({ startMs, recordsPerDay }) {
    const { defaults } = profileNamed(this.profile)
    return { startMs: startMs ?? defaults.startMs, recordsPerDay: recordsPerDay ?? defaults.recordsPerDay }
  },
}
