/** Comparisons of made-up results: the words, what they rest on, and what is refused. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type Comparison, compare, type Row, type Side } from './compare.js'
import { renderComparison, renderRefusals } from './compare-table.js'
import type { Result, Run } from './result.js'
import { sampleAudit, sampleLatency, sampleResult, sampleRun } from './sample.js'
import { rankSumRatio, welchRatio } from './statistics.js'

const workload = { scenario: 'steady', seed: '1', length: { kind: 'records', records: 1000 }, rate: null, latencyLeg: true }

let made = 0

/** A result of a session of its own, with one run of this speed; latencies are at 700/s whatever the speed. */
function resultOf(speed: number, different: Partial<Run> = {}, document: Partial<Result> = {}): Result {
  const run = sampleRun('worker-pool', [speed * 0.98, speed * 1.02], { records: 1000, latency: sampleLatency(700, 12), ...different })
  const createdAt = new Date(Date.UTC(2026, 0, 1) + 1000 * made++).toISOString()
  return sampleResult([run], { configuration: workload, createdAt, ...document })
}

function side(name: string, results: readonly Result[]): Side {
  return { name, results: results.map((result, i) => ({ file: `${name}${i + 1}.json`, result })) }
}

const speeds = (values: readonly number[], different?: Partial<Run>) => values.map((speed) => resultOf(speed, different))

function compared(a: readonly Result[], b: readonly Result[], minEffect = 0.05): Comparison {
  return compare(side('a', a), side('b', b), minEffect)
}

function throughput({ rows }: Comparison): Row {
  const row = rows.find(({ metric }) => metric === 'throughput')
  if (row === undefined) throw new Error('no row of throughput')
  return row
}

const steady = [1000, 1010, 990, 1005, 995]

test('faster and slower, with the difference and its interval', () => {
  const more = steady.map((speed) => speed * 1.2)
  const row = throughput(compared(speeds(steady), speeds(more)))
  assert.is(row.word, 'faster')
  assert.equal(row.interval, welchRatio(steady, more).interval)
  assert.ok(Math.abs((row.ratio ?? 0) - 1.2) < 1e-9)
  assert.equal([row.a.runs, row.b.runs, row.unit, row.method, row.because], [5, 5, 'documents', 'welch', null])
  assert.is(throughput(compared(speeds(more), speeds(steady))).word, 'slower')
})

test('a higher latency is slower, a lower one faster', () => {
  const at = (p50: number) => [p50, p50 * 1.01, p50 * 0.99].map((ms) => resultOf(1000, { latency: sampleLatency(700, ms) }))
  const words = (a: number, b: number) => compared(at(a), at(b)).rows.map(({ metric, word }) => `${metric} ${word}`)
  assert.equal(words(10, 15), ['throughput no difference shown', 'p50 slower', 'p99 slower'])
  assert.equal(words(15, 10).slice(1), ['p50 faster', 'p99 faster'])
})

test('without a difference it depends on how narrow the interval is', () => {
  const narrow = throughput(compared(speeds(steady), speeds([1002, 1008, 992, 1004, 994])))
  assert.equal([narrow.word, narrow.moreRuns], ['no difference shown', 0])
  const wide = throughput(compared(speeds([900, 1000, 1100]), speeds([910, 990, 1120])))
  assert.is(wide.word, 'cannot tell')
  assert.match(wide.because ?? '', /^too few runs: about \d+ more a side$/)
  assert.ok((wide.moreRuns ?? 0) > 3)
  // The same noise is no obstacle to seeing that there is no difference of half.
  assert.is(throughput(compared(speeds([900, 1000, 1100]), speeds([910, 990, 1120]), 0.5)).word, 'no difference shown')
})

test('one result a side has no interval, whatever its blocks say', () => {
  const row = throughput(compared(speeds([1000]), speeds([2000])))
  assert.equal([row.word, row.interval, row.unit], ['cannot tell', null, 'documents'])
  assert.match(row.because ?? '', /^too few runs: at least \d+ more a side$/)
})

test('from six a side on, one disturbed run does not blur the rest', () => {
  const a = [1000, 1010, 990, 1005, 995, 1002, 998, 400]
  const b = [1100, 1111, 1089, 1105, 1095, 1102, 1098, 1104]
  const row = throughput(compared(speeds(a), speeds(b)))
  assert.equal([row.word, row.method], ['faster', 'rank-sum'])
  assert.equal(row.interval, rankSumRatio(a, b).interval)
  assert.ok((welchRatio(a, b).interval?.low ?? 2) < 1)
})

test('runs of one document are one value where there are documents enough', () => {
  const twice = (one: number, other: number): Result => {
    const [first, second] = [resultOf(one).runs[0], resultOf(other).runs[0]] as [Run, Run]
    return { ...resultOf(one), runs: [first, second] }
  }
  const row = throughput(compared([twice(900, 1000), twice(1000, 1100)], [twice(900, 1000), twice(1000, 1100)]))
  assert.equal([row.unit, row.a.runs], ['documents', 2])
  const alone = throughput(compared([twice(990, 1000)], [twice(1190, 1200)]))
  assert.equal([alone.unit, alone.a.runs, alone.word, alone.advice], ['runs', 2, 'faster', ['one session on a side']])
})

test('two documents of one session are compared by pairs of blocks', () => {
  const drifting = (factor: number) => ({
    blocks: [100, 200, 400, 800].map((speed, index) => ({
      index,
      records: 1,
      elapsedMs: 1,
      recordsPerSecond: speed * factor * (1 + index / 1000),
    })),
  })
  const at = (createdAt: string, factor: number) => resultOf(300, drifting(factor), { createdAt })
  const together = throughput(compared([at('2026-03-01T00:00:00.000Z', 1)], [at('2026-03-01T00:00:00.000Z', 1.1)]))
  assert.equal([together.unit, together.method, together.word], ['pairs of blocks', 'paired', 'faster'])
  const apart = throughput(compared([at('2026-03-01T00:00:00.000Z', 1)], [at('2026-03-02T00:00:00.000Z', 1.1)]))
  assert.equal([apart.unit, apart.word], ['documents', 'cannot tell'])
})

test('latencies at other rates, and those of a growing queue, say nothing about each other', () => {
  const at = (rate: number) => [1, 2].map(() => resultOf(1000, { latency: sampleLatency(rate, 12) }))
  const [, p50] = compared(at(700), at(720)).rows
  assert.equal([p50?.word, p50?.ratio, p50?.because], ['cannot tell', null, 'rates differ: 700/s and 720/s; give both the same --rate'])
  const [, close] = compared(at(700), at(707)).rows
  assert.is(close?.because, null)
  const [, growing] = compared(speeds([1, 2]), speeds([1, 2], { verdict: 'overloaded' })).rows
  assert.match(growing?.because ?? '', 'growing queue')
  const leg = { rate: 700, share: null, seconds: 3, records: 2100, backlogAtStart: 10, backlogAtEnd: 900, overloaded: true, audit: null }
  const [, behind] = compared(speeds([1, 2]), speeds([1, 2], { verdict: 'generator-bound', latencyLeg: leg })).rows
  assert.match(behind?.because ?? '', 'growing queue', 'also where another verdict came first')
})

test('another environment makes the word advice and is named field by field', () => {
  const base = resultOf(1)
  const elsewhere = steady.map((speed) =>
    resultOf(speed * 1.2, { environmentHash: 'e'.repeat(64) }, { machine: { ...base.machine, cores: 4, node: 'v22.0.0' } }),
  )
  const comparison = compared(speeds(steady), elsewhere)
  assert.equal(throughput(comparison).advice, ['another machine'])
  assert.equal(
    comparison.environment.map(({ field, a, b }) => [field, a, b]),
    [
      ['machine.cores', 2, 4],
      ['machine.node', 'v20.19.0', 'v22.0.0'],
    ],
  )
  assert.equal(comparison.refusals, [])
  const text = renderComparison(comparison, { tty: false, columns: 200 })
  assert.match(text, 'faster (advice: another machine)')
  assert.match(text, 'Another environment: machine.cores is 2 in A, 4 in B.')
})

test('what may not be compared is refused, field by field', () => {
  const refusal = (different: Partial<Run>, document: Partial<Result> = {}) => {
    const { refusals } = compared(speeds([1000]), [resultOf(1000, different, document)])
    return refusals.map(({ between, field, a, b }) => `${between}: ${field} ${JSON.stringify(a)} ${JSON.stringify(b)}`)
  }
  assert.equal(refusal({ durability: 'process' }), ['A and B: durability "power" "process"'])
  assert.equal(refusal({ image: 'rows (logins)' }), ['A and B: image "rows" "rows (logins)"'])
  assert.equal(refusal({ audit: null }), ['A and B: audit "clean" "none"'])
  assert.equal(refusal({ audit: sampleAudit(1000, { lost: 3, stored: 997 }), verdict: 'unsound' }), [
    'A and B: audit "clean" "lost"',
    'b1.json: verdict "unsound" null',
  ])
  const other = { workloadHash: 'f'.repeat(64), records: 2000 }
  assert.equal(refusal(other, { configuration: { ...workload, seed: '2', rate: 500 } }), [
    'A and B: seed "1" "2"',
    'A and B: rate null 500',
    'A and B: records 1000 2000',
  ])
  assert.equal(refusal({ workloadHash: 'f'.repeat(64) }), ['A and B: workload hash "aaaaaaaaaaaa" "ffffffffffff"'])
})

test('a side must be repetitions of one thing', () => {
  const { refusals } = compared(
    [...speeds([1000]), resultOf(1000, { subjectHash: 'd'.repeat(64), options: { workers: 3 } })],
    speeds([1000]),
  )
  assert.equal(
    refusals.map(({ between, field }) => `${between}: ${field}`),
    ['a1.json and a2.json, both A: options.workers'],
  )
})

test('a forced comparison carries the mismatch in every row', () => {
  const comparison = compared(speeds(steady), speeds(steady, { durability: 'process' }))
  assert.match(renderRefusals(comparison), '\n  durability is power in A, process in B\n')
  const lines = renderComparison(comparison, { tty: false, columns: 200 })
    .split('\n')
    .filter((line) => line.startsWith('worker-pool'))
  assert.is(lines.length, 3)
  for (const line of lines) assert.match(line, 'not comparable: durability')
})

test('a refusal that does not concern all targets names those that it does', () => {
  const both = (durability: Run['durability']) => {
    const result = resultOf(1000)
    return { ...result, runs: [...result.runs, sampleRun('single-thread', [9, 9], { durability })] }
  }
  const text = renderRefusals(compared([both('power')], [both('process')]))
  assert.match(text, 'durability is power in A, process in B (single-thread on postgres, steady)')
})

test('both sides are shown over the published and over the measured baseline', () => {
  const text = renderComparison(compared(speeds([6220]), speeds([12_440])), { tty: false, columns: 200 })
  assert.match(
    text,
    /Over the published 622 and over the measured baseline, worker-pool on postgres, steady: A 10\.?0? times, [\d.]+ times; B 20\.?0? times, [\d.]+ times\./,
  )
})

test('what is on one side only, or was cut short, is named', () => {
  const other = sampleResult([sampleRun('single-thread', [10, 10]), sampleRun('worker-pool', [9, 9], { verdict: 'interrupted' })])
  const { rows, onlyInA, onlyInB, leftOut } = compared(speeds([1000]), [other])
  assert.equal(rows, [])
  assert.equal(
    [onlyInA, onlyInB].map((keys) => keys.map(({ target }) => target)),
    [['worker-pool'], ['single-thread']],
  )
  assert.equal(
    leftOut.map(({ file, reason }) => `${file}: ${reason}`),
    ['b1.json: it was interrupted'],
  )
})

test('stores of one kind are matched whatever the label, unless a session had several', () => {
  const postgres = (store: string) => resultOf(1000, { store })
  assert.is(compared([postgres('postgres')], [postgres('postgres 18.4')]).rows.length, 3)
  const [one, two] = [postgres('postgres 17').runs[0], postgres('postgres 18').runs[0]] as [Run, Run]
  const both = { ...resultOf(1000), runs: [one, two] }
  assert.equal(
    compared([both], [{ ...both, createdAt: '2026-04-01T00:00:00.000Z' }])
      .rows.map(({ store, metric }) => `${store} ${metric}`)
      .filter((row) => row.endsWith('throughput')),
    ['postgres 17 throughput', 'postgres 18 throughput'],
  )
})

test('what is compared is named, and that nothing is', () => {
  const changed = speeds(steady, { subjectHash: 'd'.repeat(64), options: { workers: 4 } })
  const before = speeds(steady, { options: { workers: 2 } })
  const text = renderComparison(compared(before, changed), { tty: false, columns: 120 })
  assert.match(text, 'Compared: options.workers is 2 in A, 4 in B.')
  assert.match(renderComparison(compared(before, before), { tty: false, columns: 120 }), 'are the same on both sides')
})

test('lines fit the terminal', () => {
  const text = renderComparison(compared(speeds([1000]), speeds([1200])), { tty: false, columns: 90 })
  for (const line of text.split('\n')) assert.ok(line.length <= 90, line)
})

test.run()
