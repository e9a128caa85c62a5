/** A month is dropped under writers that never stop, whatever stands in the way, and comes back for a record that is late. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { PostgresError } from './connect.js'
import { monthWithoutPartition } from './layout.js'
import { chunkOf, chunksOf, failure, numberOf, onServers, streamOf } from './servers.testing.js'

/** January ends after some 10,000 records. */
const spec = streamOf()
const january = 9_000
const february = 12_000
const months = ['2026-01', '2026-02']

const line = (date: string) => `192.0.2.1 - - [${date}:10:00:00 +0000] "GET / HTTP/1.1" 200 5 "-" "curl/8.5.0"`

onServers('what went is counted, the other months stay, and a month that is not there is fine', async (ground) => {
  const store = await ground.run({ months })
  const writer = ground.closing(await store.writer())
  await writer.write(await chunksOf(spec, january, 2_000))
  const client = await ground.client()
  const rows = `${store.address.schema}.nginx_logfile_row`
  const before = await numberOf(client, `SELECT count(*) FROM ${rows} WHERE created_at < '2026-02-01'`)
  const gone = await store.dropMonth('2026-01')
  assert.is(gone.rows, before)
  assert.ok(gone.bytes >= before * 100)
  assert.equal(Object.keys(gone.stepsMs ?? {}), ['detach', 'count', 'drop'])
  assert.is(await numberOf(client, `SELECT count(*) FROM ${rows}`), 2_000 - before)
  assert.ok((await store.partitions()).every(({ name }) => name.includes('2026_02')))
  assert.equal(await store.dropMonth('2026-01'), { rows: 0, bytes: 0 })
  assert.equal(await store.dropMonth('2031-12'), { rows: 0, bytes: 0 })
})

onServers('four writers go on while months are dropped', async (ground) => {
  const store = await ground.run({ months: ['2025-11', '2025-12', ...months] })
  const early = ground.closing(await store.writer())
  await early.write([chunkOf([line('03/Nov/2025'), line('03/Dec/2025')], 1)])
  let over = false
  let written = 0
  const busy = Array.from({ length: 4 }, async (_, index) => {
    const writer = ground.closing(await store.writer({ index }))
    const stream = { ...spec, source: 2 + index }
    for (let first = february; !over; first += 2_000) {
      await writer.write(await chunksOf(stream, first, 2_000))
      written += 2_000
    }
  })
  for (const month of ['2025-11', '2025-12', '2026-01']) {
    const { rows } = await store.dropMonth(month)
    assert.is(rows, month === '2026-01' ? 0 : 1)
  }
  over = true
  await Promise.all(busy)
  const client = await ground.client()
  assert.is(await numberOf(client, `SELECT count(*) FROM ${store.address.schema}.nginx_logfile_row`), written)
})

onServers('a drop waits for a transaction that is under way, and others write meanwhile', async (ground) => {
  const store = await ground.run({ months })
  const writer = ground.closing(await store.writer())
  const holder = await ground.client()
  await holder.query('BEGIN')
  await holder.query(`SELECT count(*) FROM ${store.address.schema}.nginx_logfile_row`)
  const dropping = store.dropMonth('2026-01')
  const client = await ground.client()
  while ((await numberOf(client, 'SELECT count(*) FROM pg_inherits WHERE inhdetachpending')) === 0) await new Promise(setImmediate)
  await writer.write(await chunksOf(spec, february, 1_000))
  assert.is(await numberOf(client, `SELECT count(*) FROM ${store.address.schema}.nginx_logfile_row`), 1_000)
  await holder.query('ROLLBACK')
  assert.is((await dropping).rows, 0)
})

onServers('a drop whose connection broke is finished by the next one', async (ground) => {
  const store = await ground.run({ months })
  const { schema } = store.address
  const holder = await ground.client()
  await holder.query('BEGIN')
  await holder.query(`SELECT count(*) FROM ${schema}.nginx_logfile_row`)
  const broken = failure(store.dropMonth('2026-01'))
  const client = await ground.client()
  for (;;) {
    const { rows } = await client.query<{ pid: number }>(
      "SELECT pid FROM pg_stat_activity WHERE query LIKE '%' || $1 || '%DETACH PARTITION%CONCURRENTLY' AND wait_event_type = 'Lock'",
      [schema],
    )
    const pid = rows[0]?.pid
    if (pid === undefined) continue
    await client.query('SELECT pg_terminate_backend($1)', [pid])
    break
  }
  assert.instance(await broken, PostgresError)
  await holder.query('ROLLBACK')
  assert.equal(Object.keys((await store.dropMonth('2026-01')).stepsMs ?? {}), ['detach', 'count', 'drop'])
  assert.is(await numberOf(client, 'SELECT count(*) FROM pg_inherits WHERE inhdetachpending'), 0)
})

onServers('a late record makes a dropped month once more, by COPY and by INSERT', async (ground) => {
  const store = await ground.run({ months })
  const writer = ground.closing(await store.writer())
  await writer.write(await chunksOf(spec, january, 2_000))
  await store.dropMonth('2026-01')
  await writer.write([chunkOf([line('05/Feb/2026'), line('05/Jan/2026'), line('06/Feb/2026')], 90_000)])
  const client = await ground.client()
  const inJanuary = `SELECT count(*) FROM ${store.address.schema}.nginx_logfile_row WHERE created_at < '2026-02-01'`
  assert.is(await numberOf(client, inJanuary), 1)
  const inserter = ground.closing(await store.inserter())
  await store.dropMonth('2026-01')
  const row = { method: 'GET', path: '/', protocol: 'HTTP/1.1', status: 200, bytes: 5, referrer: null, userAgent: null }
  await inserter.insert({
    source: 1,
    position: 90_003,
    createdAt: '2026-01-05T00:00:00+00:00',
    remoteAddr: '192.0.2.1',
    remoteUser: null,
    ...row,
  })
  assert.is(await numberOf(client, inJanuary), 1)
})

test('only a row without a partition names a month', () => {
  const detail = 'Partition key of the failing row contains (created_at) = (2026-01-05 00:00:00+00).'
  assert.is(monthWithoutPartition({ code: '23514', detail }), '2026-01')
  assert.is(monthWithoutPartition({ code: '23514', constraint: 'some_check', detail }), undefined)
  assert.is(monthWithoutPartition({ code: '23505', detail }), undefined)
  assert.is(monthWithoutPartition(undefined), undefined)
})

test.run()
