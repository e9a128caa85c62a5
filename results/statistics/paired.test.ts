/** Paired ratios by hand and by simulation: drift cancels, and ranks stand heavy tails. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { meanInterval } from './intervals.js'
import { pairedRatio, robustPairedRatio, signedRankInterval } from './paired.js'
import type { Random } from './random.js'
import { covers, disturbed, near, normal } from './simulation.testing.js'

test('a paired ratio is the geometric mean and cancels what slows both sides', () => {
  const pairs = [
    [200, 100],
    [20, 10],
    [2, 1],
  ] as const
  const { ratio, interval } = pairedRatio(pairs)
  near(ratio, 2, 1e-12)
  near(interval?.low ?? 0, 2, 1e-9)
  near(interval?.high ?? 0, 2, 1e-9)
  assert.is(pairedRatio(pairs).pairs, 3)
  near(
    pairedRatio([
      [4, 1],
      [1, 1],
    ]).ratio,
    2,
    1e-12,
  )
  assert.is(pairedRatio([[4, 1]]).interval, null)
  for (const of of [pairedRatio, robustPairedRatio]) {
    assert.throws(() => of([[0, 1]]), /above zero/)
    assert.throws(() => of([]), /no values/)
  }
})

test('Hodges and Lehmann: averages of all pairs, cut by the table', () => {
  // Averages of 1, 2, 4, 8, 16, 32: the smallest is 1, the largest 32, and with six values none is left out.
  const { estimate, interval } = signedRankInterval([1, 2, 4, 8, 16, 32])
  assert.equal(interval, { low: 1, high: 32, confidence: 0.95 })
  assert.is(estimate, 8.5)
  assert.is(signedRankInterval([1, 2, 4, 8, 16]).interval, null)
  assert.is(signedRankInterval([3]).estimate, 3)
})

test('one disturbed pair of eight moves the ratio little and the mean much', () => {
  const pairs = [1.01, 1.02, 1.0, 1.03, 1.01, 1.02, 1.02, 0.3].map((ratio) => [ratio, 1] as const)
  near(robustPairedRatio(pairs).ratio, 1.01, 0.011)
  assert.ok(pairedRatio(pairs).ratio < 0.9)
})

test('intervals of a paired ratio cover the true ratio although the machine drifts', () => {
  const make = (random: Random) =>
    Array.from({ length: 6 }, (_, i) => {
      const machine = 1000 * (1 + 0.3 * i)
      return [1.1 * machine * Math.exp(0.05 * normal(random)), machine * Math.exp(0.05 * normal(random))] as const
    })
  covers(0.95, { trials: 3000, seed: 12, truth: 1.1, make, interval: (pairs) => pairedRatio(pairs).interval })
  // With six pairs the exact test has 96.9%.
  covers(0.969, { trials: 3000, seed: 12, truth: 1.1, make, interval: (pairs) => robustPairedRatio(pairs).interval })
})

test('with heavy tails ranks cover as they say, in a narrower interval', () => {
  const make = (random: Random) => Array.from({ length: 20 }, () => disturbed(random) - disturbed(random))
  let ranks = 0
  let student = 0
  const interval = (values: readonly number[]) => {
    const found = signedRankInterval(values).interval
    const plain = meanInterval(values).interval
    ranks += (found?.high ?? 0) - (found?.low ?? 0)
    student += (plain?.high ?? 0) - (plain?.low ?? 0)
    return found
  }
  covers(0.952, { trials: 1000, seed: 14, truth: 0, make, interval })
  assert.ok(ranks < 0.9 * student, `${ranks} against ${student}`)
})

test.run()
