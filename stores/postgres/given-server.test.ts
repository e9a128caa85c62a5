/** What a server promises and lists, and what is said when it cannot be reached. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { startServer } from '../index.js'
import { redactUrl } from '../url.js'
import { connect, PostgresError } from './connect.js'
import { EmbeddedServer } from './embedded.js'
import { GivenServer } from './given-server.js'
import { failure, numberOf, onEmbedded, onServers } from './servers.testing.js'

const secret = 'p4ss-w0rd'

onServers('facts are those of the live server', async (ground) => {
  const store = await ground.run()
  const facts = await ground.server.facts()
  assert.match(facts.version, /^PostgreSQL \d+/)
  assert.is(facts.settings['fsync'], 'on')
  assert.is(facts.durability, 'power')
  assert.ok(facts.fsyncMs !== null && facts.fsyncMs > 0)
  assert.ok(facts.tables.some(({ name, bytes }) => name === `${store.address.schema}.nginx_logfile_row_2026_01_p0` && bytes > 0))
  assert.equal({ ...(await store.facts()), fsyncMs: 0, tables: [] }, { ...facts, fsyncMs: 0, tables: [] })
  await ground.server.settle()
})

test('durability follows the settings in force', async () => {
  const server = await EmbeddedServer.start({ durability: 'process' })
  try {
    assert.is(await server.durability(), 'process')
    const admin = await connect(server.url)
    await admin.query('ALTER DATABASE postgres SET synchronous_commit = off')
    await admin.end()
    // Settings of a database are those of new connections.
    const fresh = await GivenServer.open(server.url)
    assert.is(await fresh.durability(), 'none')
    assert.is((await fresh.facts()).durability, 'none')
    await fresh.close()
  } finally {
    await server.close()
  }
})

onEmbedded('a given server on this machine is known by its process and folder', async (ground) => {
  const given = ground.closing(await GivenServer.open(ground.url))
  assert.is(await given.dataFolder(), await ground.server.dataFolder())
  assert.is((await given.processes())[0], (await ground.server.processes())[0])
  // A folder of the same name, with another server's file in it.
  const file = join((await given.dataFolder()) ?? '', 'postmaster.pid')
  const text = await readFile(file, 'utf8')
  try {
    await writeFile(
      file,
      text.replace(/\n(\d+)\n/, (_, since: string) => `\n${Number(since) - 3600}\n`),
    )
    const stranger = ground.closing(await GivenServer.open(ground.url))
    assert.is(await stranger.dataFolder(), null)
    assert.equal(await stranger.processes(), [])
  } finally {
    await writeFile(file, text)
  }
  // Somebody who may not ask for the folder.
  const client = await ground.client()
  await client.query("CREATE ROLE meek LOGIN PASSWORD 'm'; GRANT CREATE ON DATABASE postgres TO meek")
  const url = new URL(ground.url)
  url.username = 'meek'
  url.password = 'm'
  const meek = ground.closing(await GivenServer.open(url.href))
  assert.is(await meek.dataFolder(), null)
  assert.equal(await meek.processes(), [])
})

onServers('runs are listed with what they remember, and only schemas of Weir are dropped', async (ground) => {
  const [one, two] = [await ground.run(), await ground.run()]
  await one.remember({ target: 'x', list: [1, { a: null }] })
  const runs = await ground.server.runs()
  const find = (schema: string) => runs.find((run) => run.schema === schema)
  assert.equal(find(one.address.schema)?.memory, { target: 'x', list: [1, { a: null }] })
  assert.is(find(two.address.schema)?.memory, undefined)
  assert.ok((find(two.address.schema)?.bytes ?? 0) > 0)
  await ground.server.drop(two.address.schema)
  assert.not((await ground.server.runs()).some(({ schema }) => schema === two.address.schema))
  const client = await ground.client()
  await client.query('CREATE SCHEMA weirdly_named')
  try {
    assert.match((await failure(ground.server.drop('weirdly_named'))).message, /is not a schema that Weir made: it stays/)
    assert.is(await numberOf(client, "SELECT count(*) FROM pg_namespace WHERE nspname = 'weirdly_named'"), 1)
  } finally {
    await client.query('DROP SCHEMA weirdly_named')
  }
})

onServers('a server that cut the connection is asked over another', async (ground) => {
  const { url } = ground
  const server = ground.closing(await GivenServer.open(url))
  const client = await ground.client()
  await client.query(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%has_database_privilege(current_database()%' AND pid <> pg_backend_pid()",
  )
  // Whether the cut is noticed before the question is sent is a race; the question after it is answered in any case.
  await server.durability().catch(() => undefined)
  assert.is(await server.durability(), 'power')
})

onEmbedded('what is wrong with a URL is said, and never its password', async (ground) => {
  const own = new URL(ground.url.replace('postgres:', 'http:'))
  const { port } = own
  const client = await ground.client()
  await client.query(`CREATE ROLE guest LOGIN PASSWORD '${secret}'; REVOKE CREATE ON DATABASE postgres FROM public, guest`)
  const cases: readonly (readonly [url: string, message: RegExp])[] = [
    [`postgres://weir:${secret}@no-such-host.invalid/postgres`, /that host has no address/],
    [`postgres://weir:${secret}@127.0.0.1:1/postgres`, /nothing listens there/],
    [`postgres://weir:${secret}@127.0.0.1:${port}/postgres`, /the password is wrong/],
    [`postgres://${own.username}:${own.password}@127.0.0.1:${port}/nowhere`, /that database does not exist/],
    [`postgres://guest:${secret}@127.0.0.1:${port}/postgres`, /the user guest may not create schemas in postgres: GRANT CREATE/],
    [`postgres://weir:${secret}#x@127.0.0.1:${port}/postgres`, /is no URL of a server/],
    [`postgres://weir:${secret}@/postgres?host=/no/such/folder`, /there is no such socket/],
  ]
  for (const [url, message] of cases) {
    const failed = await failure(startServer({ store: url, durability: 'power' }))
    assert.instance(failed, PostgresError, failed.message)
    assert.match(failed.message, message)
    for (const hidden of [secret, own.password]) {
      assert.not.match(failed.message, hidden)
      assert.not.match(String((failed.cause as Error | undefined)?.stack ?? ''), hidden)
    }
  }
})

test('passwords are hidden wherever a URL may have them', () => {
  const hidden: Readonly<Record<string, string>> = {
    [`postgres://user:${secret}@host:5432/db`]: 'postgres://user:***@host:5432/db',
    [`postgres://user:a@b/c?${secret}@host/db`]: 'postgres://user:***@host/db',
    [`postgres://us/er:${secret} with space@host/db`]: 'postgres://us/er:***@host/db',
    [`postgres://host/db?user=x&password=${secret}&sslpassword=${secret}`]: 'postgres://host/db?user=x&password=***&sslpassword=***',
    'postgres://user@host:5432/db': 'postgres://user@host:5432/db',
    'postgres://host:5432/db': 'postgres://host:5432/db',
  }
  for (const [url, shown] of Object.entries(hidden)) assert.is(redactUrl(url), shown)
})

test.run()
