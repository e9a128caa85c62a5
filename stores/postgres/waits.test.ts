/** What a run's backends wait for, seen on real ones. */
import { setTimeout as delay } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { rowTable } from './layout.js'
import { chunksOf, onServers, streamOf } from './servers.testing.js'
import { id, sql } from './sql.js'
import { kindOf, PostgresWaits } from './waits.js'

test('each wait is of a kind', () => {
  const kinds = [
    'CPU',
    'Client:ClientRead',
    'IO:WalSync',
    'LWLock:WALWrite',
    'LWLock:WALInsert',
    'Lock:relation',
    'IPC:SyncRep',
    'Timeout:PgSleep',
  ]
  assert.equal(kinds.map(kindOf), ['cpu', 'client', 'disk', 'disk', 'lock', 'lock', 'other', 'other'])
})

onServers('a writer behind a lock is seen there, and other runs are not', async (ground) => {
  const [store, other] = [await ground.run(), await ground.run()]
  const [writer, idle] = [ground.closing(await store.writer()), ground.closing(await other.writer())]
  const waits = ground.closing(new PostgresWaits(store.address))
  const client = await ground.client()
  await client.query('BEGIN')
  await client.query(sql`LOCK TABLE ${id(store.address.schema, rowTable)} IN ACCESS EXCLUSIVE MODE`.text)
  const writing = writer.write(await chunksOf(streamOf(), 0, 1000))
  await waits.begin()
  while ((waits.report()?.looks ?? 0) < 5) await delay(20)
  await client.query('COMMIT')
  await writing
  await waits.end({ elapsedMs: 1000, connections: 1 })
  const report = waits.report()
  assert.is(report?.connections, 1)
  assert.ok((report?.kinds.lock ?? 0) > 0.5, JSON.stringify(report))
  assert.ok((report?.events['Lock:relation'] ?? 0) > 0.5)
  assert.is(idle.copied().records, 0)
})

onServers('a writer that came upon a month of its own accord has one connection, as every other', async (ground) => {
  const store = await ground.run({ months: [] })
  const writer = ground.closing(await store.writer())
  await writer.write(await chunksOf(streamOf(), 0, 1000))
  const client = await ground.client()
  const own = 'SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = $1'
  const counted = async () => (await client.query<{ n: number }>(own, [store.address.schema])).rows[0]?.n
  while ((await counted()) !== 1) await delay(20)
})

onServers('nothing is looked at between blocks, and the next block goes on', async (ground) => {
  const store = await ground.run()
  ground.closing(await store.writer())
  const waits = ground.closing(new PostgresWaits(store.address))
  for (let block = 1; block <= 2; block++) {
    const before = waits.report()?.looks ?? 0
    await waits.begin()
    while ((waits.report()?.looks ?? 0) < before + 2) await delay(20)
    await waits.end({ elapsedMs: 300, connections: 1 })
  }
  const client = await ground.client()
  const busy = `SELECT 1 FROM pg_stat_activity WHERE application_name = 'weir waits' AND state = 'active' AND query LIKE 'DO%'`
  while ((await client.query(busy)).rowCount !== 0) await delay(20)
  assert.is(waits.report()?.kinds.client, 1)
})

onServers('what fsync of the log took is in the account of the backend that waited for it', async (ground) => {
  const store = await ground.run()
  const writer = ground.closing(await store.writer())
  const waits = ground.closing(new PostgresWaits(store.address))
  await waits.begin()
  // A backend makes its account known at the most once a second.
  for (let first = 0; (waits.report()?.looks ?? 0) < 20; first += 100) await writer.write(await chunksOf(streamOf(), first, 100))
  await waits.end({ elapsedMs: 10_000, connections: 1 })
  const report = waits.report()
  assert.ok((report?.figures['walFsyncs'] ?? 0) > 0, JSON.stringify(report))
  // A given server need not take the time of them.
  const timed = (report?.figures['walFsyncMs'] ?? 0) > 0
  assert.ok(timed || /track_wal_io_timing is off/.test(report?.unknown.join() ?? ''), JSON.stringify(report))
  if (ground.server.embedded) assert.ok(timed)
})

test.run()
