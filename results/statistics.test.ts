/** Statistics against published tables, by hand, and by simulation. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { bootstrapInterval, meanInterval, median, pairedRatio, seededRandom, studentQuantile } from './statistics.js'

/** Box and Muller: standard normal numbers. */
function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}

function near(actual: number, expected: number, tolerance: number): void {
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not within ${tolerance} of ${expected}`)
}

test("Student's quantiles are those of the printed tables", () => {
  const table = [
    [0.975, 1, 12.706],
    [0.975, 2, 4.303],
    [0.975, 3, 3.182],
    [0.975, 4, 2.776],
    [0.975, 9, 2.262],
    [0.975, 30, 2.042],
    [0.95, 5, 2.015],
    [0.995, 10, 3.169],
  ] as const
  for (const [p, freedom, expected] of table) near(studentQuantile(p, freedom), expected, 0.0006)
})

test('mean and interval of known values', () => {
  const { n, mean, deviation, interval } = meanInterval([2, 4, 4, 4, 5, 5, 7, 9])
  assert.is(n, 8)
  assert.is(mean, 5)
  near(deviation, 2.13809, 1e-5)
  near(interval?.low ?? 0, 5 - 2.364624 * (2.13809 / Math.sqrt(8)), 1e-4)
  assert.is(meanInterval([3]).interval, null)
  assert.throws(() => meanInterval([]), /no values/)
})

test('a paired ratio is the geometric mean and cancels what slows both sides', () => {
  const { ratio, interval, pairs } = pairedRatio([
    [200, 100],
    [20, 10],
    [2, 1],
  ])
  near(ratio, 2, 1e-12)
  near(interval?.low ?? 0, 2, 1e-9)
  near(interval?.high ?? 0, 2, 1e-9)
  assert.is(pairs, 3)
  near(
    pairedRatio([
      [4, 1],
      [1, 1],
    ]).ratio,
    2,
    1e-12,
  )
  assert.is(pairedRatio([[4, 1]]).interval, null)
  assert.throws(() => pairedRatio([[0, 1]]), /above zero/)
  assert.throws(() => pairedRatio([]), /no values/)
})

test('the t-interval of five blocks covers the true mean in about 95 of 100 trials', () => {
  const random = seededRandom(11)
  let covered = 0
  for (let trial = 0; trial < 4000; trial++) {
    const { interval } = meanInterval(Array.from({ length: 5 }, () => 100 + 8 * normal(random)))
    if (interval && interval.low <= 100 && 100 <= interval.high) covered++
  }
  near(covered / 4000, 0.95, 0.012)
})

test('the interval of a paired ratio covers the true ratio although the machine drifts', () => {
  const random = seededRandom(12)
  let covered = 0
  for (let trial = 0; trial < 3000; trial++) {
    const pairs = Array.from({ length: 6 }, (_, i) => {
      const machine = 1000 * (1 + 0.3 * i)
      return [1.1 * machine * Math.exp(0.05 * normal(random)), machine * Math.exp(0.05 * normal(random))] as const
    })
    const { interval } = pairedRatio(pairs)
    if (interval && interval.low <= 1.1 && 1.1 <= interval.high) covered++
  }
  near(covered / 3000, 0.95, 0.014)
})

test('the block bootstrap covers the true mean where records of a block depend on each other', () => {
  const random = seededRandom(13)
  let covered = 0
  for (let trial = 0; trial < 400; trial++) {
    const blocks = Array.from({ length: 30 }, () => {
      const shift = normal(random)
      return Array.from({ length: 4 }, () => 50 + shift + 0.1 * normal(random))
    })
    const mean = (sample: readonly number[][]) => sample.flat().reduce((sum, value) => sum + value, 0) / (sample.length * 4)
    const { low, high } = bootstrapInterval(blocks, mean, random, { resamples: 200 })
    if (low <= 50 && 50 <= high) covered++
  }
  near(covered / 400, 0.94, 0.03)
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

test('median', () => {
  assert.is(median([9, 1, 5]), 5)
  assert.is(median([4, 1, 2, 9]), 3)
  assert.throws(() => median([]))
})

test.run()
