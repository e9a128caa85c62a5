/** Intervals by resampling: of whole blocks, of two sets of blocks, and of a series in blocks of random length. */
import type { Interval } from '../result.js'
import { autocovariances } from './autocorrelation.js'
import { sortedQuantile } from './intervals.js'
import type { Random } from './random.js'

export interface Resampling {
  readonly resamples?: number
  readonly confidence?: number
}

/**
 * Percentile bootstrap (Efron, 1979) over whole blocks: draws as many blocks as there are, with replacement, computes the
 * statistic of each draw, and takes the middle `confidence` of them. Assumes blocks that are exchangeable and independent
 * of each other; what is inside a block may depend as it likes. Somewhat narrow: with 20 blocks of lognormal values that are
 * late together it was measured to cover 91% for their median and 89% for their ninetieth percentile.
 * @throws RangeError without blocks.
 */
export function bootstrapInterval<Block>(
  blocks: readonly Block[],
  statistic: (sample: readonly Block[]) => number,
  random: Random,
  resampling: Resampling = {},
): Interval {
  if (blocks.length === 0) throw new RangeError('no blocks to resample')
  return middle(() => statistic(drawn(blocks, random)), resampling)
}

/**
 * Interval of statistic(b) / statistic(a), where the blocks of both sides are drawn for themselves: a ratio of means, or
 * of quantiles if the statistic is a quantile of what the drawn blocks hold. Assumptions as in `bootstrapInterval`, and
 * that the two sides know nothing of each other. Measured: covers 92.5% for means of 20 and 20 such blocks.
 * @throws RangeError when a side has no blocks.
 */
export function bootstrapRatio<Block>(
  a: readonly Block[],
  b: readonly Block[],
  statistic: (sample: readonly Block[]) => number,
  random: Random,
  resampling: Resampling = {},
): Interval {
  if (a.length === 0 || b.length === 0) throw new RangeError('no blocks to resample')
  return middle(() => statistic(drawn(b, random)) / statistic(drawn(a, random)), resampling)
}

/**
 * Interval of a statistic of a series in the order of time: the stationary bootstrap (Politis and Romano, 1994), which
 * strings together pieces of random length, on average `blockLength` values, and starts again at the series' beginning
 * where it runs over its end. Assumes a stationary series, many times as long as a block. Measured for means of 200 values of
 * AR(1): covers 95, 89 and 84% with correlations of 0, 0.5 and 0.8; for means `seriesMean` is better.
 * @throws RangeError without values.
 */
export function stationaryBootstrap(
  values: readonly number[],
  statistic: (sample: readonly number[]) => number,
  random: Random,
  { blockLength = stationaryBlockLength(values), ...resampling }: Resampling & { readonly blockLength?: number } = {},
): Interval {
  const n = values.length
  if (n === 0) throw new RangeError('no values to resample')
  const draw = new Array<number>(n)
  return middle(() => {
    let place = 0
    for (let i = 0; i < n; i++) {
      place = i === 0 || random() < 1 / blockLength ? Math.floor(random() * n) : (place + 1) % n
      draw[i] = values[place] as number
    }
    return statistic(draw)
  }, resampling)
}

/**
 * Mean length of the stationary bootstrap's blocks, at least 1: the automatic choice of Politis and White (2004) as
 * corrected by Patton, Politis and White (2009). Correlations count up to twice the lag from which on a few in a row stay
 * below 2 sqrt(log10 n / n), weighted by a flat-topped lag window.
 */
export function stationaryBlockLength(values: readonly number[]): number {
  const n = values.length
  if (n < 4) return 1
  const inARow = Math.max(5, Math.ceil(Math.sqrt(Math.log10(n))))
  const mostLags = Math.ceil(Math.sqrt(n)) + inARow
  const covariance = autocovariances(values, mostLags + inARow)
  const variance = covariance[0] ?? 0
  if (!(variance > 0)) return 1
  const limit = 2 * Math.sqrt(Math.log10(n) / n)
  const small = (lag: number) => Math.abs((covariance[lag] ?? 0) / variance) < limit
  let last = 0
  while (last < mostLags && !Array.from({ length: inARow }, (_, i) => small(last + 1 + i)).every(Boolean)) last++
  const lags = Math.min(Math.max(1, 2 * last), mostLags)
  let weighted = 0
  let spectrum = variance
  for (let lag = 1; lag <= lags; lag++) {
    const share = lag / lags
    const kept = 2 * (share <= 0.5 ? 1 : 2 * (1 - share)) * (covariance[lag] ?? 0)
    weighted += lag * kept
    spectrum += kept
  }
  const length = (n * (weighted / spectrum) ** 2) ** (1 / 3)
  const longest = Math.ceil(Math.min(3 * Math.sqrt(n), n / 3))
  return Number.isFinite(length) ? Math.min(longest, Math.max(1, length)) : longest
}

function drawn<Block>(blocks: readonly Block[], random: Random): Block[] {
  return Array.from(blocks, () => blocks[Math.floor(random() * blocks.length)] as Block)
}

function middle(draw: () => number, { resamples = 2000, confidence = 0.95 }: Resampling): Interval {
  const draws = Array.from({ length: resamples }, draw).sort((a, b) => a - b)
  return { low: sortedQuantile(draws, (1 - confidence) / 2), high: sortedQuantile(draws, (1 + confidence) / 2), confidence }
}
