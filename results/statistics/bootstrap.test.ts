/** The bootstraps by hand, against the theory of block lengths, and by simulation. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { bootstrapInterval, bootstrapRatio } from './bootstrap.js'
import { sortedQuantile } from './intervals.js'
import { type Random, seededRandom } from './random.js'
import { coverage, covers, normal } from './simulation.testing.js'

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length

test('of equal blocks nothing varies, of no blocks nothing is known', () => {
  const random = seededRandom(1)
  assert.equal(bootstrapInterval([4, 4, 4], mean, random), { low: 4, high: 4, confidence: 0.95 })
  assert.equal(bootstrapRatio([4, 4], [6, 6], mean, random), { low: 1.5, high: 1.5, confidence: 0.95 })
  assert.throws(() => bootstrapInterval([], mean, random), /no blocks/)
  assert.throws(() => bootstrapRatio([1], [], mean, random), /no blocks/)
})

/** Batches whose records are late together: lognormal values round a level of the batch's own. */
const batches = (count: number) => (random: Random) =>
  Array.from({ length: count }, () => {
    const level = 0.2 * normal(random)
    return Array.from({ length: 15 }, () => Math.exp(level + 0.5 * normal(random)))
  })
const quantile = (q: number) => (sample: readonly (readonly number[])[]) =>
  sortedQuantile(Array.from(Float64Array.from(sample.flat()).sort()), q)

test('quantiles by resampling batches cover nearly as often as they say', () => {
  const interval = (sample: readonly number[][], random: Random) => bootstrapInterval(sample, quantile(0.5), random, { resamples: 100 })
  covers(0.908, { trials: 300, seed: 5, truth: 1, make: batches(20), interval })
  const high = (sample: readonly number[][], random: Random) => bootstrapInterval(sample, quantile(0.9), random, { resamples: 100 })
  covers(0.89, { trials: 300, seed: 6, truth: Math.exp(1.28155 * Math.sqrt(0.29)), make: batches(20), interval: high })
})

test('resampling records instead of batches would be far too sure', () => {
  const interval = (sample: readonly number[][], random: Random) =>
    bootstrapInterval(sample.flat(), (values) => quantile(0.5)([values]), random, { resamples: 60 })
  assert.ok(coverage({ trials: 100, seed: 7, truth: 1, make: batches(20), interval }) < 0.85)
})

test('a ratio of two sides', () => {
  const make = (random: Random) => [batches(20)(random).map(mean), batches(20)(random).map((batch) => 1.1 * mean(batch))] as const
  covers(0.925, {
    trials: 600,
    seed: 8,
    truth: 1.1,
    make,
    interval: ([a, b], random) => bootstrapRatio(a, b, mean, random, { resamples: 200 }),
  })
})

test.run()
