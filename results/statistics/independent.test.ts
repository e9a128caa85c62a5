/** Ratios of independent samples by hand and by simulation, and how many runs they need. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { mostRuns, rankSumRatio, runsNeeded, welchRatio } from './independent.js'
import { meanInterval } from './intervals.js'
import { type Random, seededRandom } from './random.js'
import { covers, disturbed, near, normal } from './simulation.testing.js'
import { studentQuantile } from './student.js'

test('with equal sides it is the two-sample t-interval of the logarithms', () => {
  const { ratio, interval } = welchRatio([1, Math.E ** 2], [Math.E, Math.E ** 3])
  near(ratio, Math.E, 1e-9)
  // Deviations are sqrt(2) on both sides, hence a standard error of sqrt(2), and 2 degrees of freedom.
  const margin = studentQuantile(0.975, 2) * Math.SQRT2
  near(Math.log(interval?.low ?? 0), 1 - margin, 1e-6)
  near(Math.log(interval?.high ?? 0), 1 + margin, 1e-6)
})

test('one value on a side has no interval; nothing and zeros have no ratio', () => {
  const alone = welchRatio([100], [110, 110])
  near(alone.ratio, 1.1, 1e-12)
  assert.is(alone.interval, null)
  assert.throws(() => welchRatio([], [1]), /no values/)
  assert.throws(() => welchRatio([1, 0], [1, 1]), /above zero/)
  assert.throws(() => rankSumRatio([], [1]), /no values/)
})

test('rank sums: all ratios, cut by the table', () => {
  const { ratio, interval } = rankSumRatio([1, 1, 1, 1], [2, 3, 4, 5])
  near(interval?.low ?? 0, 2, 1e-9)
  near(interval?.high ?? 0, 5, 1e-9)
  near(ratio, Math.sqrt(12), 1e-9)
  assert.is(rankSumRatio([1, 2, 3], [1, 2, 3]).interval, null)
})

const sides =
  (noise: (random: Random) => number, n: number, m = n) =>
  (random: Random) =>
    [
      Array.from({ length: n }, () => 1000 * Math.exp(noise(random))),
      Array.from({ length: m }, () => 1100 * Math.exp(noise(random))),
    ] as const
const usual = (random: Random) => 0.05 * normal(random)

test('intervals cover the true ratio; Welch is cautious with very few or disturbed runs', () => {
  const welch = (noise: typeof usual, n: number, m = n) => ({
    trials: 2000,
    seed: 31,
    truth: 1.1,
    make: sides(noise, n, m),
    interval: ([a, b]: readonly [readonly number[], readonly number[]]) => welchRatio(a, b).interval,
  })
  covers(0.964, welch(usual, 3))
  covers(0.947, welch(usual, 3, 6))
  covers(0.95, welch(usual, 8))
  covers(0.976, welch(disturbed, 8))
  const ranks = (noise: typeof usual) => ({
    ...welch(noise, 8),
    interval: ([a, b]: readonly [readonly number[], readonly number[]]) => rankSumRatio(a, b).interval,
  })
  // With eight and eight the exact test has 95.0%.
  covers(0.95, ranks(usual))
  covers(0.955, ranks(disturbed))
})

test('as many runs as are said to be needed make the interval that narrow', () => {
  const deviation = 0.1
  const more = runsNeeded({ n: 3, deviation }, { n: 3, deviation }, 0.05)
  // By hand: t(2n-2) 0.1 sqrt(2/n) <= ln 1.05 first holds at n = 34.
  assert.is(more + 3, 34)
  assert.is(runsNeeded({ n: 34, deviation }, { n: 34, deviation }, 0.05), 0)
  assert.is(runsNeeded({ n: 33, deviation }, { n: 33, deviation }, 0.05), 1)
  assert.is(runsNeeded({ n: 1, deviation: 0 }, { n: 1, deviation: 0 }, 0.05), 1)
  assert.is(runsNeeded({ n: 3, deviation: 10 }, { n: 3, deviation: 10 }, 0.001), mostRuns)
  const random = seededRandom(5)
  let margins = 0
  for (let trial = 0; trial < 200; trial++) {
    const [a, b] = sides((draw) => deviation * normal(draw), 34)(random)
    const { interval } = welchRatio(a, b)
    margins += Math.log((interval?.high ?? 0) / (interval?.low ?? 1)) / 2
  }
  near(margins / 200, Math.log(1.05), 0.002)
  near(meanInterval([1, 1]).deviation, 0, 0)
})

test.run()
