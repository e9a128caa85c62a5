/** Autocorrelation against the closed forms of AR(1), and intervals of such series by simulation. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { autocovariances, effectiveSampleSize, seriesMean } from './autocorrelation.js'
import { meanInterval, median } from './intervals.js'
import { seededRandom } from './random.js'
import { autoregressive, coverage, covers, near } from './simulation.testing.js'

test('autocovariances by hand', () => {
  assert.equal(autocovariances([1, 2, 3, 4], 2), [1.25, 0.3125, -0.375])
  assert.equal(autocovariances([5, 5], 9), [0, 0])
})

test('AR(1) is worth n (1 - r) / (1 + r) values', () => {
  for (const correlation of [0, 0.5, 0.8]) {
    const random = seededRandom(3)
    const sizes = Array.from({ length: 50 }, () => effectiveSampleSize(autoregressive(random, 2000, correlation)))
    near(median(sizes) / ((2000 * (1 - correlation)) / (1 + correlation)), 1, 0.06)
  }
})

test('a series is worth between one value and all of them', () => {
  const alternating = Array.from({ length: 100 }, (_, i) => i % 2)
  assert.is(effectiveSampleSize(alternating), 100)
  assert.is(effectiveSampleSize([7, 7, 7, 7, 7]), 5)
  const rising = Array.from({ length: 100 }, (_, i) => i)
  assert.ok(effectiveSampleSize(rising) < 5)
})

test('the interval of a series covers its mean where neighbours resemble each other, and the plain one does not', () => {
  const interval = (values: readonly number[]) => seriesMean(values).interval
  const series = (n: number, correlation: number) => ({
    trials: 1500,
    seed: 21,
    truth: 0,
    make: (random: () => number) => autoregressive(random, n, correlation),
  })
  for (const [n, correlation, measured] of [
    [60, 0, 0.963],
    [200, 0, 0.961],
    [60, 0.5, 0.925],
    [200, 0.5, 0.945],
    [200, 0.8, 0.926],
  ] as const) {
    covers(measured, { ...series(n, correlation), interval })
  }
  assert.ok(coverage({ ...series(200, 0.5), interval: (values) => meanInterval(values).interval }) < 0.8)
})

test('the variance of a series is not taken for smaller because its mean follows it', () => {
  const random = seededRandom(5)
  const series = Array.from({ length: 1000 }, () => autoregressive(random, 60, 0.8))
  const variance = (of: typeof meanInterval) => series.reduce((sum, values) => sum + of(values).deviation ** 2 / series.length, 0)
  // The true variance is 1; that of the plain deviations falls short by about a ninth.
  near(variance(seriesMean), 0.968, 0.035)
  near(variance(meanInterval), 0.872, 0.035)
})

test('few values are taken for independent', () => {
  const values = [3, 4, 5, 6, 7, 8]
  assert.equal(seriesMean(values), { ...meanInterval(values), effective: 6 })
  assert.throws(() => seriesMean([]), /no values/)
})

test.run()
