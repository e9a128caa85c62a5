/** Retention on the embedded Postgres, as a user meets it: months are dropped while ingesting, and every record is accounted for. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { connect } from '../stores/postgres/connect.js'
import { EmbeddedServer } from '../stores/postgres/embedded.js'
import { rowsByMonth, run } from './scenario-run.js'
import { weir } from './weir.js'

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

test.run()
