/** The row path on real servers: values come back as they went in, each row by itself. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { keptLineBytes } from '../../generators/record.js'
import { InDoubtError, type Row } from '../store.js'
import { PostgresError } from './connect.js'
import { failure, numberOf, onServers } from './servers.testing.js'

const row: Row = {
  source: 1,
  position: 2 ** 40,
  createdAt: '2026-01-31T23:59:59+00:00',
  remoteAddr: '2001:db8::1',
  remoteUser: 'zoë "quoted"',
  method: 'GET',
  path: "/a'b\\x22?c=%20",
  protocol: 'HTTP/2.0',
  status: 599,
  bytes: 2 ** 45,
  referrer: 'https://example.org/',
  userAgent: '漢😀',
}

onServers('values come back as they went in', async (ground) => {
  const store = await ground.run({ layout: { partitionKey: 'user' } })
  const inserter = ground.closing(await store.inserter())
  await inserter.insert(row)
  await inserter.insert({ ...row, position: 1, remoteUser: null, bytes: null, referrer: null, userAgent: null })
  const client = await ground.client()
  const { rows } = await client.query(`SELECT * FROM ${store.address.schema}.nginx_logfile_row ORDER BY position DESC`)
  const stored = {
    source: 1,
    position: String(row.position),
    created_at: new Date(row.createdAt),
    remote_addr: row.remoteAddr,
    remote_user: row.remoteUser,
    method: row.method,
    path: row.path,
    protocol: row.protocol,
    status: row.status,
    bytes: String(row.bytes),
    referrer: row.referrer,
    user_agent: row.userAgent,
  }
  assert.equal({ ...rows[0] }, stored)
  assert.equal({ ...rows[1] }, { ...stored, position: '1', remote_user: '', bytes: null, referrer: null, user_agent: null })
})

onServers('months are made on demand, in UTC, also by overlapping calls', async (ground) => {
  const store = await ground.run({ months: [] })
  const inserter = ground.closing(await store.inserter())
  const dates = ['2026-03-01T00:30:00+02:00', '2026-03-01T00:00:00Z', '2026-02-28T23:59:59-05:00', '2027-12-31T23:59:59+00:00']
  const rows = Array.from({ length: 40 }, (_, position) => ({ ...row, position, createdAt: dates[position % 4] ?? '' }))
  // One row among them is refused: it must take no other along.
  const results = await Promise.allSettled([...rows, { ...row, position: 99, remoteAddr: 'nowhere' }].map((each) => inserter.insert(each)))
  assert.equal(
    results.map(({ status }) => status),
    [...rows.map(() => 'fulfilled'), 'rejected'],
  )
  const partitions = (await store.partitions()).filter((partition) => partition.rows > 0)
  const months = [...new Set(partitions.map(({ name }) => name.slice('nginx_logfile_row_'.length, -3)))]
  assert.equal(months.sort(), ['2026_02', '2026_03', '2027_12'])
  assert.is(
    partitions.reduce((sum, partition) => sum + partition.rows, 0),
    40,
  )
})

onServers('rejected lines keep their bytes, up to a limit', async (ground) => {
  const store = await ground.run()
  const inserter = ground.closing(await store.inserter())
  const lines = [Buffer.from([0, 255, 34]), Buffer.alloc(keptLineBytes + 100, 'a')]
  for (const [position, line] of lines.entries()) await inserter.reject(line, 3, position, 'NUL byte')
  const kept = []
  for await (const { source, position, reason, length, line } of store.rejected())
    kept.push([source, position, reason, length, Buffer.from(line).equals(lines[position]?.subarray(0, keptLineBytes) ?? Buffer.alloc(0))])
  assert.equal(kept, [
    [3, 0, 'NUL byte', 3, true],
    [3, 1, 'NUL byte', keptLineBytes + 100, true],
  ])
})

onServers('a refused row says why, a cut connection leaves its row in doubt, and the next row works', async (ground) => {
  const store = await ground.run()
  const inserter = ground.closing(await store.inserter())
  await inserter.insert(row)
  const twice = await failure(inserter.insert(row))
  assert.instance(twice, PostgresError)
  assert.match(twice.message, /duplicate key/)
  const client = await ground.client()
  const ours = `pid <> pg_backend_pid() AND query LIKE 'INSERT INTO "${store.address.schema}"%'`
  // The row is on its way when the connection is cut: it waits for a lock.
  await client.query(`BEGIN; LOCK TABLE "${store.address.schema}".nginx_logfile_row`)
  const doubt = failure(inserter.insert({ ...row, position: 2 }))
  while ((await numberOf(client, `SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND ${ours}`)) === 0);
  await client.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE ${ours}`)
  assert.instance(await doubt, InDoubtError)
  await client.query('ROLLBACK')
  await inserter.insert({ ...row, position: 3 })
  assert.is(await numberOf(client, `SELECT count(*) FROM ${store.address.schema}.nginx_logfile_row`), 2)
})

test.run()
