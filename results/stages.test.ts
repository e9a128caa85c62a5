/** Stages: a course by seconds that merges and coarsens, and a histogram that any HdrHistogram reads back. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { LatencyHistogram } from './histogram.js'
import { Recorder } from './recorder.js'
import { StageSeries, stageOf } from './stages.js'

test('a stage has its records by the second in which they were due', () => {
  const recorder = new Recorder({ fromMs: 1000, toMs: 4000 })
  recorder.file('stored', { count: 3000, dueFirstMs: 1000, dueLastMs: 3999, atMs: 5000 })
  recorder.file('stored', { count: 5, dueFirstMs: 3000, dueLastMs: 3000, atMs: 2990 })
  const stage = recorder.stage('stored')
  assert.is(stage?.count, 3000)
  assert.is(stage?.negative, 5)
  assert.equal(
    stage?.series.map(({ fromMs }) => fromMs),
    [0, 1000, 2000],
  )
  // What is filed as one value may reach a few records beyond the border of a second.
  assert.ok(stage?.series.every(({ count }) => Math.abs(count - 1000) <= 10))
  const [first, , last] = stage?.series ?? []
  assert.ok(Math.abs((first?.p50 ?? 0) - 3500) < 60 && Math.abs((last?.max ?? 0) - 2000) < 2)
  assert.is(recorder.stage('durable'), undefined)
})

test('what was encoded is read back: quantiles to three digits, and values of weeks', () => {
  const histogram = new LatencyHistogram()
  histogram.file(0.004, 10)
  histogram.file(250, 1000)
  histogram.file(86_400_000 * 21, 1)
  const again = LatencyHistogram.decoded(histogram.encoded())
  assert.is(again.count, 1011)
  for (const q of [0.005, 0.5, 0.99, 1]) assert.ok(Math.abs(again.quantile(q) / histogram.quantile(q) - 1) < 0.002, `q ${q}`)
})

test('histograms of two results merge', () => {
  const [a, b] = [new LatencyHistogram(), new LatencyHistogram()]
  a.file(10, 100)
  b.file(1000, 100)
  const all = LatencyHistogram.decoded(a.encoded())
  all.add(LatencyHistogram.decoded(b.encoded()))
  assert.is(all.count, 200)
  assert.ok(Math.abs(all.quantile(0.25) - 10) < 0.1 && Math.abs(all.quantile(0.75) - 1000) < 5)
})

test('a long leg has longer buckets, and series of both lengths add up', () => {
  const long = new StageSeries()
  for (let second = 0; second < 1500; second++) long.file(second * 1000, 5, 2, 5)
  const { bucketMs, series } = long.report()
  assert.is(bucketMs, 4000)
  assert.is(series.length, 375)
  assert.ok(series.every(({ count }) => count === 8))
  const short = new StageSeries()
  for (let second = 0; second < 10; second++) short.file(second * 1000, 5, 1, 5)
  short.add(long)
  const sum = short.report()
  assert.is(sum.bucketMs, 4000)
  assert.is(
    sum.series.reduce((total, { count }) => total + count, 0),
    3010,
  )
  assert.is(sum.series[0]?.count, 12)
})

test('an empty stage is none', () => {
  assert.is(stageOf(new LatencyHistogram(), new StageSeries()), undefined)
})

test.run()
