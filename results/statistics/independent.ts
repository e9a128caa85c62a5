/** Ratios of two samples that were measured apart from each other, and how many runs would make them certain enough. */
import type { Interval } from '../result.js'
import { meanInterval, sortedQuantile } from './intervals.js'
import { between } from './paired.js'
import { rankSumCut } from './ranks.js'
import { studentQuantile } from './student.js'

/** b over a. */
export interface Ratio {
  readonly ratio: number
  /** Null when there are too few values. */
  readonly interval: Interval | null
}

/**
 * Geometric mean of `b` over that of `a`, with the interval of Welch (1947) on the logarithms: the sides may vary
 * differently. Assumes values that are independent of each other and roughly lognormal. Null with fewer than two values
 * on a side: one value says nothing of how much the next would differ. Measured: covers 94 to 97% for 2 to 20 lognormal values
 * a side, 97 to 98% where one in seven was disturbed.
 * @throws RangeError when a side is empty or a value is not above zero.
 */
export function welchRatio(a: readonly number[], b: readonly number[], confidence = 0.95): Ratio {
  const of = { a: meanInterval(logs(a)), b: meanInterval(logs(b)) }
  const difference = of.b.mean - of.a.mean
  const ratio = Math.exp(difference)
  if (of.a.n < 2 || of.b.n < 2) return { ratio, interval: null }
  const margin = welchMargin(of.a, of.b, confidence)
  return { ratio, interval: { low: Math.exp(difference - margin), high: Math.exp(difference + margin), confidence } }
}

/**
 * The ratio `b` over `a` as the median of all ratios between them (Hodges and Lehmann, 1963), with the interval of the
 * exact rank-sum test (Mann and Whitney, 1947). Assumes independent values whose distributions have the same shape; their
 * tails may be as heavy as they like. Null at 95% with fewer than four values on both sides, or three and five. Measured:
 * covers 95 to 97%; where one in seven was disturbed it is a fifth (8 a side) to two fifths (20) narrower than Welch's.
 * @throws RangeError as `welchRatio`.
 */
export function rankSumRatio(a: readonly number[], b: readonly number[], confidence = 0.95): Ratio {
  if (a.length === 0 || b.length === 0) throw new RangeError('no values: there is no ratio of nothing')
  const from = logs(a)
  const differences = logs(b)
    .flatMap((value) => from.map((other) => value - other))
    .sort((x, y) => x - y)
  const interval = between(differences, rankSumCut(a.length, b.length, confidence), confidence)
  return {
    ratio: Math.exp(sortedQuantile(differences, 0.5)),
    interval: interval && { ...interval, low: Math.exp(interval.low), high: Math.exp(interval.high) },
  }
}

/** One side of a comparison: how many values there are, and the standard deviation of their logarithms. */
export interface Spread {
  readonly n: number
  readonly deviation: number
}

/** More runs than anybody will make: the difference asked for is too small for this noise. */
export const mostRuns = 10_000

/**
 * How many more values each side needs until Welch's interval of their ratio reaches no farther than `effect` (0.05: 5%)
 * to each side, if they go on varying as they did; 0 when it is as narrow already, `mostRuns` when that is not enough.
 */
export function runsNeeded(a: Spread, b: Spread, effect: number, confidence = 0.95): number {
  const wanted = Math.log1p(effect)
  const enough = (more: number) => {
    const grown = [a, b].map(({ n, deviation }) => ({ n: n + more, deviation })) as [Spread, Spread]
    return Math.min(grown[0].n, grown[1].n) >= 2 && welchMargin(...grown, confidence) <= wanted
  }
  if (enough(0)) return 0
  let high = 1
  while (high < mostRuns && !enough(high)) high *= 2
  if (!enough(Math.min(high, mostRuns))) return mostRuns
  let low = Math.floor(high / 2)
  high = Math.min(high, mostRuns)
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (enough(middle)) high = middle
    else low = middle
  }
  return high
}

/** Half the width of the interval of a difference of means, with the degrees of freedom of Satterthwaite (1946). */
function welchMargin(a: Spread, b: Spread, confidence: number): number {
  const [varianceA, varianceB] = [a.deviation ** 2 / a.n, b.deviation ** 2 / b.n]
  const variance = varianceA + varianceB
  if (variance === 0) return 0
  const freedom = variance ** 2 / (varianceA ** 2 / (a.n - 1) + varianceB ** 2 / (b.n - 1))
  return studentQuantile((1 + confidence) / 2, freedom) * Math.sqrt(variance)
}

function logs(values: readonly number[]): readonly number[] {
  return values.map((value) => {
    if (!(value > 0)) throw new RangeError(`a ratio needs values above zero, not ${value}`)
    return Math.log(value)
  })
}
