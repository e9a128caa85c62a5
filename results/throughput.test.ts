/** Throughput from blocks, and skew of partitions, by hand. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { ThroughputBlock } from './result.js'
import { skewOf } from './skew.js'
import { autoregressive, covers } from './statistics/simulation.testing.js'
import { blockOf, throughputOf } from './throughput.js'

const yardsticks = { meanLineBytes: 200, publishedRecordsPerSecond: 622, measuredRecordsPerSecond: 311 }

test('all records over all time, not the mean of rates', () => {
  const blocks = [blockOf(0, 1000, 1000), blockOf(1, 1000, 3000)]
  const throughput = throughputOf(blocks, yardsticks)
  assert.is(throughput.recordsPerSecond, 500)
  assert.is(throughput.bytesPerSecond, 100_000)
  assert.is(throughput.timesPublished, 500 / 622)
  assert.is(throughput.timesMeasured, 500 / 311)
  // By hand: the logarithms of 1000 and 333.3 lie ln(3)/2 from their mean, and t(1) is 12.706.
  const factor = Math.exp((12.7062 * Math.log(3)) / 2)
  assert.ok(Math.abs((throughput.interval?.low ?? 0) - 500 / factor) < 0.01)
  assert.ok(Math.abs((throughput.interval?.high ?? 0) / (500 * factor) - 1) < 0.001)
})

test('equal blocks have no spread', () => {
  const { interval } = throughputOf(
    [0, 1, 2].map((index) => blockOf(index, 500, 1000)),
    yardsticks,
  )
  assert.ok(Math.abs((interval?.low ?? 0) - 500) < 1e-9 && Math.abs((interval?.high ?? 0) - 500) < 1e-9)
})

test('the interval covers the true rate, and widens where neighbouring blocks resemble each other', () => {
  const blocksOf = (noise: readonly number[]) => noise.map((value, i) => blockOf(i, 100_000, 1000 * Math.exp(0.15 * value - 0.15 ** 2 / 2)))
  const simulation = (n: number, correlation: number) => ({
    trials: 2000,
    seed: 41,
    truth: 100_000,
    make: (random: () => number) => blocksOf(autoregressive(random, n, correlation)),
    interval: (blocks: readonly ThroughputBlock[]) => throughputOf(blocks, yardsticks).interval ?? null,
  })
  covers(0.9465, simulation(4, 0))
  covers(0.96, simulation(20, 0))
  covers(0.884, simulation(20, 0.5))
})

test('no blocks are zeros, one block has no interval, no baseline no ratio', () => {
  const nothing = throughputOf([], { ...yardsticks, measuredRecordsPerSecond: null })
  assert.equal(nothing, { recordsPerSecond: 0, bytesPerSecond: 0, timesPublished: 0, timesMeasured: null, interval: null })
  assert.is(throughputOf([blockOf(0, 10, 10)], yardsticks).interval, null)
  assert.is(throughputOf([blockOf(0, 10, 10), blockOf(1, 0, 10)], yardsticks).interval, null)
  assert.is(blockOf(0, 0, 0).recordsPerSecond, 0)
})

test('skew is the fullest over the mean', () => {
  assert.is(skewOf([{ rows: 10 }, { rows: 10 }]), 1)
  assert.is(skewOf([{ rows: 40 }, { rows: 0 }, { rows: 0 }, { rows: 0 }]), 4)
  assert.is(skewOf([]), null)
  assert.is(skewOf([{ rows: 0 }]), null)
})

test.run()
