/** Woodruff's interval by hand and by simulation. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { sortedQuantile } from './intervals.js'
import { batchesNeeded, sharesAround } from './quantiles.js'
import { type Random, seededRandom } from './random.js'
import { covers, near, normal } from './simulation.testing.js'

test('so many batches it takes to see both sides of a quantile', () => {
  assert.is(batchesNeeded(0.5), 6)
  assert.is(batchesNeeded(0.9), 36)
  assert.is(batchesNeeded(0.1), 36)
  assert.is(batchesNeeded(0.99), 368)
  assert.is(batchesNeeded(0.999), 3688)
  for (const q of [0.5, 0.9, 0.99]) {
    assert.ok(q ** batchesNeeded(q) <= 0.025)
    assert.ok(q ** (batchesNeeded(q) - 1) > 0.025)
  }
})

test('slices that vary as independent records would are worth their records; those that are all or nothing are worth one each', () => {
  // 9 slices, so that neighbours are not looked at. Deviations of +-5 and one 0: variance 200/900^2 * 9/8.
  const some = [55, 45, 55, 45, 50, 45, 55, 45, 55].map((within) => ({ records: 100, within }))
  const { low, high } = sharesAround(some, 0.5) ?? { low: 0, high: 0 }
  // n = (1/4) / (9/8 * 200 / 810000) = 900, lowered by (1.96 / 2.306)^2 to 650; 325 of 650 is 0.461 to 0.539.
  near(low, 0.461, 0.0005)
  near(high, 0.539, 0.0005)
  const all = [1, 0, 1, 0, 1, 0, 1, 0].map((within) => ({ records: 1000, within: 1000 * within }))
  const { low: lowest, high: highest } = sharesAround(all, 0.5) ?? { low: 0, high: 0 }
  // n = (1/4) / (8/7 * 8 * 500^2 / 8000^2) = 7, lowered by (1.96 / 2.365)^2 to 4.81: between the bounds of 2 of 4 (0.068) and 3 of 6 (0.118).
  near(lowest, 0.0895, 0.0005)
  near(highest, 0.9105, 0.0005)
})

test('few slices say nothing, equal ones vary by nothing', () => {
  const slice = { records: 50_000, within: 25_000 }
  assert.is(sharesAround([slice, slice, slice], 0.5), null)
  assert.is(sharesAround([slice, slice, slice, { records: 0, within: 0 }], 0.5), null)
  const { low, high } = sharesAround(Array(20).fill(slice), 0.5) ?? { low: 0, high: 1 }
  assert.ok(low > 0.49 && low < 0.5 && high > 0.5 && high < 0.51)
})

/** Batches of ten records that are late together; the service times of neighbours correlate, some batches stall. */
function latencies(random: Random, batches: number, { correlation = 0, stalls = 0 }): number[][] {
  let level = normal(random)
  return Array.from({ length: batches }, () => {
    level = correlation * level + Math.sqrt(1 - correlation ** 2) * normal(random)
    const serviceMs = 30 * Math.exp(0.3 * level) + (random() < stalls ? 200 + 300 * random() : 0)
    return Array.from({ length: 10 }, (_, i) => serviceMs + 10 * i + 5)
  })
}

/** The interval of a quantile, from twenty slices. */
function interval(batches: readonly (readonly number[])[], q: number) {
  const all = Array.from(Float64Array.from(batches.flat()).sort())
  const measured = sortedQuantile(all, q)
  const slices = Array.from({ length: 20 }, (_, i) =>
    batches.slice(Math.floor((i * batches.length) / 20), Math.floor(((i + 1) * batches.length) / 20)).flat(),
  )
  const shares = sharesAround(
    slices.map((slice) => ({ records: slice.length, within: slice.filter((value) => value <= measured).length })),
    q,
  )
  return shares && { low: sortedQuantile(all, shares.low), high: sortedQuantile(all, shares.high), confidence: 0.95 }
}

function coversAt(measured: number, q: number, batches: number, kind: { correlation?: number; stalls?: number }): void {
  const everything = Float64Array.from(latencies(seededRandom(31), 100_000, kind).flat()).sort()
  const truth = sortedQuantile(Array.from(everything), q)
  covers(measured, {
    trials: 200,
    seed: 9,
    truth,
    make: (random) => latencies(random, batches, kind),
    interval: (made) => interval(made, q),
  })
}

test('it covers as often as it says where there are batches enough', () => {
  coversAt(0.99, 0.5, 40, {})
  coversAt(0.957, 0.99, 400, {})
})

test('also where some batches stall', () => {
  coversAt(0.99, 0.5, 40, { stalls: 0.04 })
  coversAt(0.939, 0.99, 400, { stalls: 0.04 })
  coversAt(0.897, 0.99, 400, { stalls: 0.01 })
})

test('and nearly so where neighbours resemble each other', () => {
  coversAt(0.96, 0.5, 40, { correlation: 0.6 })
  coversAt(0.931, 0.99, 400, { correlation: 0.6 })
})

test('with too few batches it would not: therefore there is none', () => {
  const truth = sortedQuantile(Array.from(Float64Array.from(latencies(seededRandom(31), 100_000, { stalls: 0.01 }).flat()).sort()), 0.99)
  covers(0.326, {
    trials: 200,
    seed: 10,
    truth,
    make: (random) => latencies(random, 40, { stalls: 0.01 }),
    interval: (made) => interval(made, 0.99),
  })
})

test.run()
