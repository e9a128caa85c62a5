/** Tables and partitions on real servers: made as promised, on demand, without stopping writers. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { partitionKeys } from '../../generators/record.js'
import { ensureMonth, leaves } from './layout.js'
import { failure, numberOf, onServers } from './servers.testing.js'

const layout = { partitionKey: 'id', partitions: 3 } as const

for (const partitionKey of partitionKeys) {
  onServers(`months split by the hash of ${partitionKey} are made as promised`, async (ground) => {
    const store = await ground.run({ layout: { partitionKey, partitions: 3 }, months: ['2025-12', '2026-01'] })
    const client = await ground.client()
    const { schema } = store.address
    assert.equal(
      (await leaves(client, schema, store.address.layout)).map(({ name, place }) => [name, place?.month, place?.remainder]),
      ['2025-12', '2026-01'].flatMap((month) => [0, 1, 2].map((r) => [`nginx_logfile_row_${month.replace('-', '_')}_p${r}`, month, r])),
    )
    // Each leaf has the primary key, the partition columns included.
    assert.is(
      await numberOf(
        client,
        `SELECT count(*) FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
         WHERE i.indisprimary AND i.indisvalid AND c.relkind = 'r' AND c.relnamespace = $1::regnamespace AND c.relname LIKE 'nginx_logfile_row_%'`,
        [schema],
      ),
      6,
    )
    const at = (date: string) => [1, 1, date, '::1', '', 'GET', '/', 'HTTP/1.1', 200]
    const insert = `INSERT INTO ${schema}.nginx_logfile_row (source, position, created_at, remote_addr, remote_user, method, path, protocol, status) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`
    for (const date of ['2025-12-01T00:00:00Z', '2025-12-31T23:59:59.999999Z', '2026-01-01T00:00:00Z']) await client.query(insert, at(date))
    assert.match((await failure(client.query(insert, at('2026-02-01T00:00:00Z')))).message, /no partition/)
    // A place is read from the catalog's bounds, not from a name.
    await client.query(`ALTER TABLE ${schema}.nginx_logfile_row_2026_01_p0 RENAME TO renamed`)
    const renamed = (await leaves(client, schema, store.address.layout)).find(({ name }) => name === 'renamed')
    assert.equal(renamed?.place, { month: '2026-01', remainder: 0 })
  })
}

onServers('a month that several connections want at once is made once', async (ground) => {
  const store = await ground.run({ layout, months: [] })
  const clients = await Promise.all([1, 2, 3, 4].map(() => ground.client()))
  await Promise.all(clients.flatMap((client) => [ensureMonth(client, store.address.schema, layout, '2026-05')]))
  const [client] = clients
  if (client === undefined) throw new Error('no client')
  assert.is((await leaves(client, store.address.schema, layout)).length, 3)
})

onServers('a month is made while others are in the middle of writing', async (ground) => {
  const store = await ground.run({ layout, months: ['2026-01'] })
  const { schema } = store.address
  const values = "(1, 1, '2026-01-05', '::1', '', 'GET', '/', 'HTTP/1.1', 200)"
  const columns = 'source, position, created_at, remote_addr, remote_user, method, path, protocol, status'
  // One has written through the parent, one into a leaf with COPY; neither has committed.
  const [parent, leaf, maker] = [await ground.client(), await ground.client(), await ground.client()]
  await parent.query(`BEGIN; INSERT INTO ${schema}.nginx_logfile_row (${columns}) VALUES ${values}`)
  await leaf.query(`BEGIN; COPY ${schema}.nginx_logfile_row_2026_01_p1 (${columns}) FROM PROGRAM 'true'`)
  await maker.query("SET lock_timeout = '5s'")
  await ensureMonth(maker, schema, layout, '2026-02')
  for (const client of [parent, leaf]) await client.query('COMMIT')
  assert.is((await leaves(maker, schema, layout)).length, 6)
  // It would have been stopped by a lock that does conflict.
  await parent.query(`BEGIN; LOCK TABLE ${schema}.nginx_logfile_row IN ACCESS EXCLUSIVE MODE`)
  await maker.query("SET lock_timeout = '50ms'")
  assert.match((await failure(ensureMonth(maker, schema, layout, '2026-03'))).message, /lock timeout/)
  await parent.query('ROLLBACK')
  await ensureMonth(maker, schema, layout, '2026-03')
})

test.run()
