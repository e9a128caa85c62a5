/** Means of a series whose neighbours resemble each other: how many independent values it is worth. */
import { type Mean, meanInterval } from './intervals.js'
import { studentQuantile } from './student.js'

/** Autocovariances of lags 0 to `lags`, each divided by n, so that they are those of a possible series. */
export function autocovariances(values: readonly number[], lags: number): readonly number[] {
  const n = values.length
  const mean = values.reduce((sum, value) => sum + value, 0) / n
  const centred = values.map((value) => value - mean)
  return Array.from({ length: Math.min(lags, n - 1) + 1 }, (_, lag) => {
    let sum = 0
    for (let i = lag; i < n; i++) sum += (centred[i] ?? 0) * (centred[i - lag] ?? 0)
    return sum / n
  })
}

/**
 * How many independent values have a mean as uncertain as that of this series: n / (1 + 2 (sum of autocorrelations)), the
 * sum taken over pairs of neighbouring lags while a pair is positive, and pairs made to fall (the initial monotone
 * sequence of Geyer, 1992). Between 1 and n: a series that alternates gets no credit for it. Assumes a stationary series;
 * Geyer's argument is for reversible chains, of which AR(1) with a positive coefficient is one.
 */
export function effectiveSampleSize(values: readonly number[]): number {
  const n = values.length
  if (n < 4) return n
  const covariance = autocovariances(values, n - 1)
  const variance = covariance[0] ?? 0
  if (!(variance > 0)) return n
  let sum = -variance
  let before = Number.POSITIVE_INFINITY
  for (let lag = 0; lag + 1 < n; lag += 2) {
    const pair = Math.min(before, (covariance[lag] ?? 0) + (covariance[lag + 1] ?? 0))
    if (pair <= 0) break
    sum += 2 * pair
    before = pair
  }
  return Math.min(n, Math.max(1, (n * variance) / Math.max(sum, Number.MIN_VALUE)))
}

/** Values below which a series is too short to see its own autocorrelation. */
export const leastSeries = 10

/** A mean and how many independent values the series was worth. */
export interface SeriesMean extends Mean {
  readonly effective: number
}

/**
 * Mean of a series in the order of time, with a t-interval for as many independent values as `effectiveSampleSize` finds:
 * mean +- t(m-1) s / sqrt(m). With fewer than `leastSeries` values it is the plain t-interval, since so few cannot show
 * how they depend on each other. No interval when the series is worth less than two values.
 *
 * Measured on AR(1) series with correlations of 0, 0.5 and 0.8: covers 96, 94 and 93% for 200 values, 96, 93 and 88% for 60,
 * 96, 89 and 78% for 20. The plain t-interval covers 95, 74 and 48%, whatever their number; the stationary bootstrap 95, 89
 * and 84% for 200.
 * @throws RangeError on an empty list.
 */
export function seriesMean(values: readonly number[], confidence = 0.95): SeriesMean {
  const plain = meanInterval(values, confidence)
  const { n, mean } = plain
  if (n < leastSeries) return { ...plain, effective: n }
  const effective = effectiveSampleSize(values)
  if (effective < 2) return { ...plain, interval: null, effective }
  // The mean follows a series that wanders, so its deviations are too small by what the mean itself varies.
  const deviation = plain.deviation * Math.sqrt(((1 - 1 / n) * effective) / (effective - 1))
  const margin = (studentQuantile((1 + confidence) / 2, effective - 1) * deviation) / Math.sqrt(effective)
  return { n, mean, deviation, interval: { low: mean - margin, high: mean + margin, confidence }, effective }
}
