/** What a live server is said to promise and to cost is what it does. */
import type pg from 'pg'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Durability } from '../store.js'
import { connect } from './connect.js'
import { commitMs, durabilityOf, facts, fsyncMsIn, settings } from './facts.js'
import { type Ground, numberOf, onEmbedded, onServers } from './servers.testing.js'

const promised: readonly [fsync: string, synchronousCommit: string, fullPageWrites: string, durability: Durability][] = [
  ['on', 'on', 'on', 'power'],
  ['on', 'local', 'on', 'power'],
  ['on', 'remote_apply', 'on', 'power'],
  ['off', 'on', 'on', 'process'],
  ['on', 'on', 'off', 'process'],
  ['on', 'off', 'on', 'none'],
  ['off', 'off', 'off', 'none'],
]

for (const [fsync, synchronous_commit, full_page_writes, durability] of promised) {
  test(`fsync ${fsync}, synchronous_commit ${synchronous_commit}, full_page_writes ${full_page_writes}: ${durability}`, () => {
    assert.is(durabilityOf({ fsync, synchronous_commit, full_page_writes }), durability)
  })
}

test('settings that are not known promise nothing beyond the process', () => {
  assert.is(durabilityOf({}), 'process')
})

onServers('what a commit costs is measured with commits that the disk has confirmed', async (ground) => {
  const client = await ground.client()
  // Without a wait for the disk the walwriter would flush now and then, but not twenty times before it is looked at.
  for (let i = 0; i < 20; i++) {
    const { rows } = await client.query<{ lsn: string }>('SELECT pg_current_wal_insert_lsn() AS lsn')
    const ms = await commitMs(client, 1)
    assert.ok(ms !== null && ms > 0)
    const further = await numberOf(client, 'SELECT pg_current_wal_flush_lsn() - $1::pg_lsn', [rows[0]?.lsn])
    assert.ok(further > 0, `commit ${i} was not waited for`)
  }
})

onServers('a user with no rights but to connect can measure what a commit costs', async (ground) => {
  const client = await asPlainUser(ground)
  try {
    assert.type(await commitMs(client, 3), 'number')
  } finally {
    await dropPlainUser(ground, client)
  }
})

onServers('settings of the session count, as a role or a database may set them', async (ground) => {
  const client = await ground.client()
  assert.is(durabilityOf(await settings(client)), 'power')
  await client.query('SET synchronous_commit = off')
  const found = await facts(client, null)
  assert.is(found.durability, 'none')
  assert.is(found.settings['synchronous_commit'], 'off')
  assert.is(found.fsyncMs, null)
})

onServers('facts name the version, and the tables of runs with their sizes', async (ground) => {
  const store = await ground.run({ months: ['2026-01'] })
  const found = await store.facts()
  assert.match(found.version, /^PostgreSQL (1[5-9]|[2-9]\d)/)
  const sizes = new Map(found.tables.map(({ name, bytes }) => [name, bytes]))
  const { schema } = store.address
  assert.ok((sizes.get(`${schema}.nginx_logfile_row_2026_01_p3`) ?? 0) > 0)
  assert.ok(sizes.has(`${schema}.nginx_logfile_reject`))
  assert.ok(found.fsyncMs !== null && found.fsyncMs > 0)
})

onEmbedded('the embedded server measures its own disk', async ({ server }) => {
  const { fsyncMs } = await server.facts()
  assert.ok(fsyncMs !== null && fsyncMs > 0)
})

test('a folder that cannot be written to has no cost of fsync', async () => {
  assert.is(await fsyncMsIn('/nowhere/at/all'), null)
})

const plainUser = `weir_plain_${process.pid}`

async function asPlainUser(ground: Ground): Promise<pg.Client> {
  const client = await ground.client()
  await client.query(`CREATE ROLE ${plainUser} LOGIN PASSWORD 'plain'`)
  const url = new URL(ground.url)
  url.username = plainUser
  url.password = 'plain'
  return connect(url.href)
}

async function dropPlainUser(ground: Ground, plain: pg.Client): Promise<void> {
  await plain.end()
  await (await ground.client()).query(`DROP ROLE ${plainUser}`)
}

test.run()
