/** Means, medians and seeded numbers by hand, and Student's interval by simulation. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { meanInterval, median, sortedQuantile } from './intervals.js'
import { seededRandom, shuffled } from './random.js'
import { covers, near, normal, normals } from './simulation.testing.js'

test('mean and interval of known values', () => {
  const { n, mean, deviation, interval } = meanInterval([2, 4, 4, 4, 5, 5, 7, 9])
  assert.is(n, 8)
  assert.is(mean, 5)
  near(deviation, 2.13809, 1e-5)
  near(interval?.low ?? 0, 5 - 2.364624 * (2.13809 / Math.sqrt(8)), 1e-4)
  assert.is(meanInterval([3]).interval, null)
  assert.throws(() => meanInterval([]), /no values/)
})

test('the t-interval covers the mean of normal values, and less often that of skewed ones', () => {
  const interval = (values: readonly number[]) => meanInterval(values).interval
  covers(0.95, { trials: 4000, seed: 11, truth: 0, make: (random) => normals(random, 5), interval })
  const lognormal = (n: number) => (random: () => number) => Array.from({ length: n }, () => Math.exp(0.5 * normal(random)))
  covers(0.913, { trials: 4000, seed: 12, truth: Math.exp(0.125), make: lognormal(5), interval })
  covers(0.929, { trials: 4000, seed: 13, truth: Math.exp(0.125), make: lognormal(20), interval })
})

test('median and quantiles', () => {
  assert.is(median([9, 1, 5]), 5)
  assert.is(median([4, 1, 2, 9]), 3)
  assert.throws(() => median([]))
  assert.is(sortedQuantile([0, 10, 20, 30], 0.25), 7.5)
})

test('seeded numbers repeat, differ between seeds, and are uniform', () => {
  const draw = (seed: number) => {
    const random = seededRandom(seed)
    return Array.from({ length: 20_000 }, random)
  }
  assert.equal(draw(1), draw(1))
  assert.not.equal(draw(1), draw(2))
  const numbers = draw(3)
  assert.ok(numbers.every((number) => number >= 0 && number < 1))
  near(numbers.reduce((sum, number) => sum + number, 0) / numbers.length, 0.5, 0.01)
  near(median(numbers), 0.5, 0.015)
})

test('shuffling keeps the values and makes every order equally likely', () => {
  const random = seededRandom(4)
  const seen = new Map<string, number>()
  for (let i = 0; i < 6000; i++) {
    const order = shuffled(['a', 'b', 'c'], random).join('')
    seen.set(order, (seen.get(order) ?? 0) + 1)
  }
  assert.is(seen.size, 6)
  for (const count of seen.values()) near(count, 1000, 110)
})

test.run()
