/** Statistics of measured blocks: pure functions that say what they assume. */
import type { Interval, PairedRatio } from './result.js'

/** Uniform numbers from 0 up to, but not including, 1. */
export type Random = () => number

/**
 * Reproducible random numbers: mulberry32 (Tommy Ettinger, public domain), period 2^32. For resampling, not for secrets.
 * @param seed any integer; its low 32 bits count.
 */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** A mean of n values, with the standard deviation of the values and, from two values on, where the true mean lies. */
export interface Mean {
  readonly n: number
  readonly mean: number
  readonly deviation: number
  readonly interval: Interval | null
}

/**
 * Mean with Student's t-interval: mean +- t(n-1) s / sqrt(n) (Student, 1908). Assumes values that are independent and
 * roughly normal: give it blocks of time, never single records.
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

/**
 * Geometric mean of a/b over pairs, with the t-interval of the mean log ratio turned back. Pairs are blocks that ran next
 * to each other, so what slows the machine slows both sides and cancels. Assumes pairs independent of each other and log
 * ratios roughly normal.
 * @param pairs [a, b] of each pair, both above zero.
 * @throws RangeError without pairs, or when a value is not above zero.
 */
export function pairedRatio(pairs: readonly (readonly [number, number])[], confidence = 0.95): PairedRatio {
  const logs = pairs.map(([a, b]) => {
    if (!(a > 0) || !(b > 0)) throw new RangeError(`a ratio needs values above zero, not ${a} and ${b}`)
    return Math.log(a / b)
  })
  const { mean, interval, n } = meanInterval(logs, confidence)
  return {
    ratio: Math.exp(mean),
    interval: interval && { low: Math.exp(interval.low), high: Math.exp(interval.high), confidence },
    pairs: n,
  }
}

/**
 * Percentile bootstrap (Efron, 1979) over whole blocks: draws as many blocks as there are, with replacement, computes the
 * statistic of each draw, and takes the middle `confidence` of them. Assumes blocks that are exchangeable and independent
 * of each other; what is inside a block may depend as it likes. With few blocks (below about ten) it is somewhat narrow.
 * @throws RangeError without blocks.
 */
export function bootstrapInterval<Block>(
  blocks: readonly Block[],
  statistic: (sample: readonly Block[]) => number,
  random: Random,
  { resamples = 2000, confidence = 0.95 }: { readonly resamples?: number; readonly confidence?: number } = {},
): Interval {
  if (blocks.length === 0) throw new RangeError('no blocks to resample')
  const draws = Array.from({ length: resamples }, () =>
    statistic(Array.from(blocks, () => blocks[Math.floor(random() * blocks.length)] as Block)),
  ).sort((a, b) => a - b)
  return {
    low: sortedQuantile(draws, (1 - confidence) / 2),
    high: sortedQuantile(draws, (1 + confidence) / 2),
    confidence,
  }
}

/** Median of unsorted values. @throws RangeError on an empty list. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('no values: there is no median of nothing')
  return sortedQuantile(
    [...values].sort((a, b) => a - b),
    0.5,
  )
}

/** Quantile of sorted values, linear between neighbours (definition 7 of Hyndman and Fan, 1996). */
function sortedQuantile(sorted: readonly number[], q: number): number {
  const place = q * (sorted.length - 1)
  const below = Math.floor(place)
  const low = sorted[below] ?? Number.NaN
  const high = sorted[below + 1] ?? low
  return low + (high - low) * (place - below)
}

/**
 * The value that a Student-t variable of `freedom` degrees does not exceed with probability `p` (0.5 <= p < 1): bisection
 * on the distribution function, to about 12 digits.
 */
export function studentQuantile(p: number, freedom: number): number {
  let low = 0
  let high = 1
  while (studentProbability(high, freedom) < p && high < 1e12) high *= 2
  for (let i = 0; i < 200 && high - low > 1e-13 * high; i++) {
    const middle = (low + high) / 2
    if (studentProbability(middle, freedom) < p) low = middle
    else high = middle
  }
  return (low + high) / 2
}

/** P(T <= t) for t >= 0 and a whole number of degrees: the finite series 26.7.3 and 26.7.4 of Abramowitz and Stegun (1964). */
function studentProbability(t: number, freedom: number): number {
  const angle = Math.atan(t / Math.sqrt(freedom))
  const cosine = Math.cos(angle)
  const square = cosine * cosine
  let within: number
  if (freedom % 2 === 1) {
    let term = cosine
    let sum = freedom > 1 ? term : 0
    for (let k = 3; k <= freedom - 2; k += 2) {
      term *= (square * (k - 1)) / k
      sum += term
    }
    within = (2 / Math.PI) * (angle + Math.sin(angle) * sum)
  } else {
    let term = 1
    let sum = term
    for (let k = 2; k <= freedom - 2; k += 2) {
      term *= (square * (k - 1)) / k
      sum += term
    }
    within = Math.sin(angle) * sum
  }
  return (1 + within) / 2
}
