/** Means, medians and quantiles of independent values, with intervals. */
import type { Interval } from '../result.js'
import { studentQuantile } from './student.js'

/** A mean of n values, with the standard deviation of the values and, from two values on, where the true mean lies. */
export interface Mean {
  readonly n: number
  readonly mean: number
  readonly deviation: number
  readonly interval: Interval | null
}

/**
 * Mean with Student's t-interval: mean +- t(n-1) s / sqrt(n) (Student, 1908). Assumes values that are independent and
 * roughly normal: give it blocks of time, never single records. Measured: covers 95.0% for five normal values, 91% for five
 * and 93% for twenty lognormal ones of deviation 0.5; for neighbours that resemble each other see `seriesMean`.
 * @throws RangeError on an empty list.
 */
export function meanInterval(values: readonly number[], confidence = 0.95): Mean {
  const n = values.length
  if (n === 0) throw new RangeError('no values: there is no mean of nothing')
  const mean = values.reduce((sum, value) => sum + value, 0) / n
  if (n === 1) return { n, mean, deviation: 0, interval: null }
  const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1))
  const margin = (studentQuantile((1 + confidence) / 2, n - 1) * deviation) / Math.sqrt(n)
  return { n, mean, deviation, interval: { low: mean - margin, high: mean + margin, confidence } }
}

/** Median of unsorted values. @throws RangeError on an empty list. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('no values: there is no median of nothing')
  return sortedQuantile(
    [...values].sort((a, b) => a - b),
    0.5,
  )
}

/** Quantile of sorted values, linear between neighbours (definition 7 of Hyndman and Fan, 1996). NaN of nothing. */
export function sortedQuantile(sorted: readonly number[], q: number): number {
  const place = q * (sorted.length - 1)
  const below = Math.floor(place)
  const low = sorted[below] ?? Number.NaN
  const high = sorted[below + 1] ?? low
  return low + (high - low) * (place - below)
}
