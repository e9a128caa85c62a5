/** The scenarios on the embedded Postgres, as a user meets them: months that are dropped, late records, a hot shard, each with clean audits. */
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Audit, Result, Run } from '../results/result.js'
import { isInstalled } from '../stores/clickhouse/embedded.js'
import { connect } from '../stores/postgres/connect.js'
import { EmbeddedServer } from '../stores/postgres/embedded.js'
import { weir } from './weir.js'

const schema = JSON.parse(readFileSync(fileURLToPath(new URL('../../docs/result.schema.json', import.meta.url)), 'utf8')) as object
const validate = new Ajv2020({ strict: false, validateFormats: false }).compile(schema)

const run = (...words: readonly string[]): Result => runOn('postgres', ...words)

function runOn(store: string, ...words: readonly string[]): Result {
  const { status, stdout, stderr } = weir(['run', ...words, '-s', store, '--json'])
  assert.is(status, 0, stderr)
  const result = JSON.parse(stdout) as Result
  assert.ok(validate(result), JSON.stringify(validate.errors))
  for (const { audit, latencyLeg } of result.runs) for (const each of [audit, latencyLeg?.audit]) if (each) assertClean(each)
  return result
}

function assertClean(audit: Audit): void {
  const { rejected, lost, duplicated, corrupted, misplaced, unexpected, failed, refused } = audit
  assert.equal([rejected, lost, duplicated, corrupted, misplaced, unexpected, failed, refused], [0, 0, 0, 0, 0, 0, 0, 0])
  assert.is(audit.offered, audit.stored + audit.excluded)
}

/** Rows by month, from the partitions' names. */
function rowsByMonth({ partitions = [] }: Run): Readonly<Record<string, number>> {
  const rows: Record<string, number> = {}
  for (const partition of partitions) {
    const month = /_(\d{4}_\d{2})_p\d+$/.exec(partition.name)?.[1] ?? partition.name
    rows[month] = (rows[month] ?? 0) + partition.rows
  }
  return rows
}

test('retention: every target drops two of four months while ingesting, and accounts for every record', () => {
  const result = run('retention', '-t', 'single-thread,worker-pool,multi-instance', '-n', '60k', '--batch-records', '2500')
  for (const each of result.runs) {
    const { target, audit, events = [], disturbance, latencyLeg } = each
    assert.equal(
      events.map(({ leg, month }) => `${leg} ${month}`),
      ['throughput 2026-01', 'throughput 2026-02', 'latency 2026-01', 'latency 2026-02'],
      target,
    )
    const dropped = events.filter(({ leg }) => leg === 'throughput').reduce((sum, { rows }) => sum + rows, 0)
    assert.is(audit?.excluded, dropped)
    assert.is(latencyLeg?.audit?.excluded, dropped)
    assert.ok(events.every(({ tookMs, bytes }) => tookMs > 0 && bytes > 0))
    assert.equal(Object.keys(rowsByMonth(each)), ['2026_03', '2026_04'])
    // Whether anything was stored beside a drop hangs on the machine's pace; that latencies were filed does not.
    const latency = disturbance?.latency?.latency
    assert.ok(disturbance?.throughput !== undefined && (latency?.otherwise ?? latency?.meanwhile))
  }
})

test('retention: as many months stay as were asked for, and the table says what it cost', () => {
  const { status, stdout, stderr } = weir(
    [
      'run',
      'retention',
      '-s',
      'postgres',
      '-t',
      'single-thread',
      '-n',
      '60k',
      '--batch-records',
      '5000',
      '--keep-months',
      '3',
      '--no-latency-leg',
    ],
    {},
  )
  assert.is(status, 0, stderr)
  assert.match(stdout, /single-thread: throughput leg: 2026-01 dropped \([\d,]+ rows\) in [\d.,]+ ms/)
  assert.match(stdout, /left out by design \(of 60,000 offered\)/)
})

test('retention: what is kept is verified later, and a row that came back to a dropped month is unexpected', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'weir-retention-test-'))
  chmodSync(folder, 0o1777)
  const data = join(folder, 'kept')
  const here = { environment: { TMPDIR: folder } }
  try {
    const words = ['run', 'retention', '-s', 'postgres', '-t', 'single-thread', '-n', '9k', '--no-latency-leg']
    const kept = weir([...words, '--batch-records', '1000', '--keep', '--data', data, '--json'], here)
    assert.is(kept.status, 0, kept.stderr)
    const sound = weir(['verify', '--data', data], here)
    assert.is(sound.status, 0, sound.stdout)
    const server = await EmbeddedServer.start({ durability: 'process', dataDirectory: data })
    try {
      const at = (await server.runs()).find((run) => run.schema.includes('single_thread') && run.schema.includes('_run_'))?.schema ?? ''
      const client = await connect(server.url)
      await client.query(
        `CREATE TABLE "${at}".back PARTITION OF "${at}".nginx_logfile_row FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
         INSERT INTO "${at}".nginx_logfile_row SELECT source, 17, '2026-01-01', remote_addr, remote_user, method, path, protocol, status, bytes, referrer, user_agent
         FROM "${at}".nginx_logfile_row LIMIT 1`,
      )
      await client.end()
    } finally {
      await server.close()
    }
    const { status, stdout } = weir(['verify', '--data', data], here)
    assert.is(status, 1)
    assert.match(stdout, /unexpected: source 1, position 17: expected nothing, since month 2026-01 was dropped/)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

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
