/** The other scenarios as a user meets them: late records, a hot shard, a month's end, and all of them on ClickHouse, with clean audits. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Result } from '../results/result.js'
import { isInstalled } from '../stores/clickhouse/embedded.js'
import { rowsByMonth, run, runOn } from './scenario-run.js'
import { weir } from './weir.js'

test('late-data: the given share lies in the months before, where it belongs', () => {
  const [late] = run('late-data', '-t', 'worker-pool', '-n', '40k', '--late-share', '5%', '--no-latency-leg').runs
  const months = late ? rowsByMonth(late) : {}
  assert.equal(Object.keys(months), ['2026_01', '2026_02', '2026_03'])
  const early = (months['2026_01'] ?? 0) + (months['2026_02'] ?? 0)
  assert.ok(Math.abs(early / 40_000 - 0.05) < 0.005, `${early} late`)
  assert.ok((months['2026_02'] ?? 0) > (months['2026_01'] ?? 0))
})

for (const [key, words] of [
  ['address', []],
  ['path', ['--partition-key', 'path']],
] as const) {
  test(`hot-shard: one partition takes the given share, by ${key}`, () => {
    const [hot] = run('hot-shard', '-t', 'single-thread', '-n', '40k', '--hot-share', '70%', '--no-latency-leg', ...words).runs
    const rows = hot?.partitions?.map((partition) => partition.rows) ?? []
    assert.is(rows.length, 4)
    assert.ok(Math.abs(Math.max(...rows) / 40_000 - 0.7) < 0.02, rows.join(' '))
    assert.ok(Math.abs((hot?.partitionSkew ?? 0) - 2.8) < 0.08)
    assert.is(hot?.hashShares?.key, key)
    assert.ok(Math.abs(Math.max(...(hot?.hashShares?.shares ?? [])) - Math.max(...rows) / 40_000) < 1e-9)
  })
}

if (!isInstalled()) test.skip('on ClickHouse, each scenario is accounted for as well (needs chdb)', () => undefined)
else
  test('on ClickHouse, each scenario is accounted for as well', () => {
    const on = (...words: readonly string[]) =>
      runOn('clickhouse', ...words, '-t', 'single-thread', '-n', '40k', '--batch-records', '5000', '--no-latency-leg').runs[0]
    const retention = on('retention')
    assert.equal(
      retention?.events?.map(({ month }) => month),
      ['2026-01', '2026-02'],
    )
    assert.is(
      retention?.audit?.excluded,
      retention?.events?.reduce((sum, { rows }) => sum + rows, 0),
    )
    assert.is(retention?.partitions?.length, 2)
    const late = on('late-data', '--late-share', '5%')?.partitions ?? []
    assert.is(late.length, 3)
    assert.ok(Math.abs(Math.max(...late.map(({ rows }) => rows)) / 40_000 - 0.95) < 0.005)
    // One partition a month: what the servers of a Distributed table would get.
    const shares = on('hot-shard')?.hashShares?.shares ?? []
    assert.is(shares.length, 4)
    assert.ok(Math.abs(Math.max(...shares) - 0.5) < 0.02)
  })

test('month-end: half of the rows on either side, and every partition is named with its bytes', () => {
  const [end] = run('month-end', '-t', 'single-thread', '-n', '40k', '--no-latency-leg').runs
  assert.equal(end && rowsByMonth(end), { '2026_02': 20_000, '2026_03': 20_000 })
  assert.ok(end?.partitions?.every(({ bytes }) => bytes > 0))
  assert.ok((end?.partitionSkew ?? 0) >= 1 && (end?.partitionSkew ?? 9) < 1.1)
})

test('what does not belong together is refused with the reason', () => {
  for (const [words, why] of [
    [['steady', '--late-share', '5%'], '--late-share belongs to the scenario late-data, not to steady'],
    [['late-data', '--keep-months', '2'], '--keep-months belongs to the scenario retention, not to late-data'],
    [['hot-shard', '--partition-key', 'id'], 'the identity cannot be skewed'],
    [['hot-shard', '--hot-share', '5%', '-s', 'null'], 'this partition has without a hot value'],
    [['late-data', '--late-share', '120%'], '--late-share: "120%" is no share'],
    [['retention', '--input', 'access.log'], 'the scenario retention makes its own records; it cannot go with --input'],
  ] as const) {
    const { status, stderr } = weir(['run', ...words])
    assert.is(status, 2, stderr)
    assert.match(stderr, why)
  }
})

test('a variable for another scenario is no reason to refuse', () => {
  const { status, stdout, stderr } = weir(
    ['run', 'late-data', '-s', 'null', '-t', 'single-thread', '-n', '1k', '--no-latency-leg', '--json'],
    {
      environment: { WEIR_LATE_SHARE: '10%', WEIR_KEEP_MONTHS: '3' },
    },
  )
  assert.is(status, 0, stderr)
  assert.equal((JSON.parse(stdout) as Result).configuration['parameters'], { lateShare: 0.1 })
})

test.run()
