/** Histories of made-up results: which results are one series, and what is said when its level moves. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type HistoryMetric, histories } from './history.js'
import { renderHistory } from './history-table.js'
import type { ReadResult } from './read.js'
import type { Result, Run } from './result.js'
import { sampleLatency, sampleResult, sampleRun } from './sample.js'
import { seededRandom } from './statistics.js'

function read(day: number, runs: readonly Run[], different: Partial<Result> = {}): ReadResult {
  const createdAt = new Date(Date.UTC(2026, 0, day, 12)).toISOString()
  return { file: `${createdAt.slice(0, 10)}.json`, result: sampleResult(runs, { createdAt, ...different }) }
}

/** A result a day; from day 11 on a quarter slower, by another build. */
function slowed(different: Partial<Run> = {}): readonly ReadResult[] {
  const random = seededRandom(1)
  return Array.from({ length: 20 }, (_, i) => {
    const speed = (i < 10 ? 1000 : 750) * (1 + 0.04 * (random() - 0.5))
    const build = (i < 10 ? 'a' : 'b').repeat(64)
    const run = sampleRun('worker-pool', [speed, speed], { subjectHash: build, ...different })
    return read(i + 1, [run], { weir: { version: '0.1.0', build } })
  })
}

test('a change is found at its document, with its size and what came with it', () => {
  const { series } = histories(slowed(), 'throughput')
  assert.is(series.length, 1)
  assert.is(series[0]?.points.length, 20)
  const [change, ...others] = series[0]?.changes ?? []
  assert.equal(others, [])
  assert.equal([change?.file, change?.createdAt], ['2026-01-11.json', '2026-01-11T12:00:00.000Z'])
  assert.ok(Math.abs((change?.ratio ?? 0) - 0.75) < 0.02)
  assert.equal(
    change?.subject.map(({ field }) => field),
    ['build'],
  )
  const text = renderHistory(histories(slowed(), 'throughput'), 'throughput', { tty: false, columns: 140 })
  assert.match(
    text,
    /2026-01-11 12:00 {2}-2\d\.\d% \([\d,]+ to [\d,]+, p 0\.001\) from 2026-01-11\.json on; with it came build a{12} -> b{12}/,
  )
})

test('a build that came a document later is named all the same, an older one is not', () => {
  const levels = slowed()
  const shifted = (by: number) =>
    levels.map((one, i) => {
      const build = (i < 10 + by ? 'a' : 'b').repeat(64)
      const runs = one.result.runs.map((run) => ({ ...run, subjectHash: build }))
      return { ...one, result: { ...one.result, runs, weir: { version: '0.1.0', build } } }
    })
  const file = (by: number) => histories(shifted(by), 'throughput').series[0]?.changes[0]?.subjectFile
  assert.equal([file(0), file(1), file(-2), file(4)], ['2026-01-11.json', '2026-01-12.json', '2026-01-09.json', null])
})

test('workload, environment, store and target are series of their own; the subject is not', () => {
  const run = (different: Partial<Run>) => sampleRun('worker-pool', [10, 10], different)
  const results = [
    read(1, [run({})]),
    read(2, [run({ subjectHash: 'x'.repeat(64), options: { workers: 7 } })]),
    read(3, [run({ workloadHash: 'x'.repeat(64) }), run({ environmentHash: 'x'.repeat(64) })]),
    read(4, [run({ store: 'clickhouse' }), sampleRun('single-thread', [9, 9])]),
  ]
  const { series } = histories(results, 'throughput')
  assert.equal(series.map(({ target, store, points }) => `${target} ${store} ${points.length}`).sort(), [
    'single-thread postgres 1',
    'worker-pool clickhouse 1',
    'worker-pool postgres 1',
    'worker-pool postgres 1',
    'worker-pool postgres 2',
  ])
})

test('runs of one document are one point, at their geometric mean', () => {
  const [{ points } = { points: [] }] = histories([read(1, [sampleRun('a', [100, 100]), sampleRun('a', [400, 400])])], 'throughput').series
  assert.is(points.length, 1)
  assert.ok(Math.abs((points[0]?.value ?? 0) - 200) < 1e-9)
})

test('damaged and unfinished runs are left out and named', () => {
  const verdicts = ['ok', 'failed', 'unsound', 'interrupted', 'generator-bound', 'overloaded'] as const
  const results = verdicts.map((verdict, i) => read(i + 1, [sampleRun('a', [10, 10], { verdict })]))
  const of = (metric: HistoryMetric) => histories(results, metric)
  assert.is(of('throughput').series[0]?.points.length, 3)
  assert.equal(
    of('throughput').leftOut.map(({ reason }) => reason),
    ['its verdict is failed', 'its verdict is unsound', 'its verdict is interrupted'],
  )
  assert.is(of('p99').series[0]?.points.length, 2)
})

test('a p99 that rises is a change for the worse, and other rates are pointed at', () => {
  const results = Array.from({ length: 20 }, (_, i) =>
    read(i + 1, [sampleRun('a', [10, 10], { latency: sampleLatency(i < 10 ? 100 : 110, (i < 10 ? 10 : 20) + (i % 3) / 10) })]),
  )
  const found = histories(results, 'p99')
  assert.is(found.series[0]?.changes[0]?.file, '2026-01-11.json')
  const text = renderHistory(found, 'p99', { tty: true, columns: 140 })
  assert.match(text, '\u001b[31m+9')
  assert.match(text, 'its rates differ, from 100 to 110/s')
  assert.match(text, '▁')
})

test('few results are shown without changes', () => {
  const text = renderHistory(histories(slowed().slice(8, 13), 'throughput'), 'throughput', { tty: false, columns: 140 })
  assert.match(text, 'too few to see (9 at the least)')
})

test.run()
