/** Intervals by resampling: of whole blocks, and of two sets of blocks. */
import type { Interval } from '../result.js'
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

function drawn<Block>(blocks: readonly Block[], random: Random): Block[] {
  return Array.from(blocks, () => blocks[Math.floor(random() * blocks.length)] as Block)
}

function middle(draw: () => number, { resamples = 2000, confidence = 0.95 }: Resampling): Interval {
  const draws = Array.from({ length: resamples }, draw).sort((a, b) => a - b)
  return { low: sortedQuantile(draws, (1 - confidence) / 2), high: sortedQuantile(draws, (1 + confidence) / 2), confidence }
}
