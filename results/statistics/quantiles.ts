/** Where a quantile of records lies that are late together. */
import { effectiveSampleSize, leastSeries } from './autocorrelation.js'
import { type Bounds, binomialBounds } from './binomial.js'
import { studentQuantile } from './student.js'

/** Records of a slice of time. */
export interface SliceCount {
  readonly records: number
  /** Of them, those that do not exceed the quantile as it was measured. */
  readonly within: number
}

/** With fewer slices nothing is known of how they differ. */
const leastSlices = 4
/** Degrees of freedom at which Student's distribution is the normal one. */
const endless = 1e7
/** More independent records make no interval visibly narrower. */
const mostIndependent = 1e5

/**
 * So many batches it takes until one of them lies beyond the quantile `q`, and one on its other side, with the probability
 * that an end of the interval has, whatever the distribution: 6 for p50, 36 for p90, 368 for p99, 3,688 for p999. Where a rare
 * stall makes the quantile, fewer have most likely not seen it, and no computation brings it back.
 */
export function batchesNeeded(q: number, confidence = 0.95): number {
  return Math.ceil(Math.log((1 - confidence) / 2) / Math.log(Math.max(q, 1 - q)))
}

/**
 * The shares of the records between whose quantiles the true quantile `q` lies (Woodruff, 1952): the share below the
 * measured quantile varies from slice to slice, and that says how many independent records (n) would vary as much (the
 * design effect of Kish, 1965). n is lowered for the freedom that few slices leave, and the bounds are the binomial ones of n q
 * among n (Korn and Graubard, 1998). From ten slices on, neighbours that resemble each other count as fewer
 * (`effectiveSampleSize`). Null with fewer than four slices that hold records.
 *
 * Assumes slices in the order of time, each of two batches or more, and enough batches (`batchesNeeded`). Measured on batches
 * with lognormal service times, twenty slices, p50 of 40 batches and p99 of 400: covers 99 and 96%; where one batch in 25
 * stalls 99 and 94%, where one in 100 does, as rare as the quantile itself, p99 90% (of 1000 batches 93%); where the service
 * times of neighbours correlate by 0.6, 96 and 93%. With 40 batches p99 would be covered 89% and, with the rare stall, 33%.
 * It knows nothing of what differs from one leg to the next.
 */
export function sharesAround(slices: readonly SliceCount[], q: number, confidence = 0.95): Bounds | null {
  const filled = slices.filter(({ records }) => records > 0)
  const k = filled.length
  if (k < leastSlices) return null
  const records = filled.reduce((sum, slice) => sum + slice.records, 0)
  const share = filled.reduce((sum, slice) => sum + slice.within, 0) / records
  const deviations = filled.map((slice) => slice.within - share * slice.records)
  const worth = k < leastSeries ? k : effectiveSampleSize(deviations)
  const variance = deviations.reduce((sum, deviation) => sum + deviation ** 2, 0) / records ** 2
  const spread = (variance * (k / (k - 1)) * k) / worth
  const most = Math.min(records, mostIndependent)
  const independent = spread > 0 ? Math.min(most, (share * (1 - share)) / spread) : most
  const tail = (1 + confidence) / 2
  const freedom = (studentQuantile(tail, endless) / studentQuantile(tail, Math.max(1, worth - 1))) ** 2
  const n = Math.max(1, independent * freedom)
  return binomialBounds(q * n, n, confidence)
}
