/** Which share of a probe's records was later than the limit, and how sure that is. */
import { incompleteBeta } from '../statistics/beta.js'
import { batchesOf, batchPeriodMs, type Observation } from './observation.js'

export interface Lateness {
  /** Of the records that were due in the window and have an answer. */
  readonly share: number
  /** Records that the share rests on, and as how many independent ones they count. */
  readonly records: number
  readonly effective: number
  /** How much likelier this is when at most one record in a hundred is late in the long run than when more are. */
  readonly odds: number
}

const mostSlices = 24
/** p99 within the limit means that at most this share is later. */
export const allowedLate = 0.01

/**
 * The late share by slices of the window of at least two batch periods: records of one batch are late together, slices much less so. What was due and is
 * not settled counts as late once it has waited longer than the limit; what has not waited so long has no answer yet. The
 * effective number of records is the one at which independent records would spread as the slices do (the design effect of
 * Kish, 1965). `odds` is a Bayes factor under the prior of Jeffreys, Beta(1/2, 1/2): beyond all doubt when no slice has a
 * late record, undecided when a single slice of many stalled, against when several did.
 */
export function latenessOf(observation: Observation, limitMs: number): Lateness {
  const slices = slicesOf(observation, limitMs).filter(({ records }) => records > 0)
  const records = slices.reduce((sum, slice) => sum + slice.records, 0)
  const late = slices.reduce((sum, slice) => sum + slice.late, 0)
  if (records === 0) return { share: 0, records: 0, effective: 0, odds: 1 }
  const share = Math.min(1, late / records)
  const n = slices.length
  const spread =
    n < 2 ? 0 : (slices.reduce((sum, slice) => sum + (slice.late - share * slice.records) ** 2, 0) / records ** 2) * (n / (n - 1))
  const effective = Math.max(1, Math.min(records, spread > 0 ? (share * (1 - share)) / spread : share > 0 && share < 1 ? n : records))
  const within = (k: number, count: number) => incompleteBeta(allowedLate, 0.5 + k, 0.5 + count - k)
  const before = within(0, 0)
  const after = within(share * effective, effective)
  return { share, records: Math.round(records), effective, odds: odds(after) / odds(before) }
}

function odds(probability: number): number {
  return Math.max(probability, 1e-9) / Math.max(1 - probability, 1e-9)
}

interface Slice {
  records: number
  late: number
}

function slicesOf({ rate, fromMs, toMs, settled, seenUntilMs }: Observation, limitMs: number): readonly Slice[] {
  const period = batchPeriodMs(batchesOf(settled), rate)
  const wished = period > 0 ? Math.floor((toMs - fromMs) / (2 * period)) : mostSlices
  const count = Math.max(1, Math.min(mostSlices, wished))
  const lengthMs = (toMs - fromMs) / count
  const slices = Array.from({ length: count }, () => ({ records: 0, late: 0 }))
  for (const range of settled) {
    // The records of a range lie evenly between its ends: half a distance beyond either, so that ranges join without a gap.
    const half = 500 / rate
    const begin = range.dueFirstMs - half
    const end = range.dueLastMs + half
    const perMs = range.count / (end - begin)
    const lateBefore = range.failed ? Number.POSITIVE_INFINITY : range.atMs - limitMs
    const first = Math.max(0, Math.floor((begin - fromMs) / lengthMs))
    for (let k = first; k < count; k++) {
      const slice = slices[k]
      const from = Math.max(begin, fromMs + k * lengthMs)
      const to = Math.min(end, fromMs + (k + 1) * lengthMs)
      if (slice === undefined || fromMs + k * lengthMs >= end) break
      if (to <= from) continue
      slice.records += (to - from) * perMs
      slice.late += Math.max(0, Math.min(to, lateBefore) - from) * perMs
    }
  }
  for (const [k, slice] of slices.entries()) {
    const due = (lengthMs * rate) / 1000
    const waiting = due - slice.records
    // Rounding at the slices' ends is no record that waits.
    if (waiting < Math.max(1, due / 1000) || seenUntilMs < fromMs + (k + 1) * lengthMs + limitMs) continue
    slice.records += waiting
    slice.late += waiting
  }
  return slices
}
