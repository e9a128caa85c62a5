/** What a server promises and lists, and what is said when it cannot be reached or used. */
import { createServer } from 'node:http'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { startServer } from '../index.js'
import { debianBinary, startDebianServer } from './debian-server.testing.js'
import { ClickHouseStoreError } from './errors.js'
import { durabilityOf } from './facts.js'
import { Link } from './link.js'
import { ClickHouseServer } from './server.js'
import { chunksOf, failure, givenServerUrl, onGiven, onServers, streamOf } from './servers.testing.js'
import { sql } from './sql.js'
import { untilMerged } from './upkeep.js'
import { settingsIn } from './urls.js'

const secret = 'p4ss-w0rd'

onServers('facts are those of the live server', async (ground) => {
  const store = await ground.run()
  const writer = ground.closing(await store.writer())
  await writer.write(await chunksOf(streamOf(), 9_000, 100))
  const facts = await ground.server.facts()
  assert.match(facts.version, /^ClickHouse \d+\.\d+/)
  assert.is(facts.durability, await ground.server.durability())
  assert.ok(facts.fsyncMs !== null && facts.fsyncMs > 0)
  assert.ok(facts.tables.some(({ name, rows, bytes }) => name === `${store.address.schema}.nginx_logfile_row` && rows === 100 && bytes > 0))
  assert.equal({ ...(await store.facts()), fsyncMs: 0, tables: [] }, { ...facts, fsyncMs: 0, tables: [] })
  for (const limit of facts.limits ?? []) assert.match(limit, /^[^.]+( \d+\.\d+\S*)?[^.]*(\.part_log)?$/)
  const probes = await ground.number(sql`SELECT count() AS n FROM system.databases WHERE name LIKE 'weir\\_probe\\_%'`)
  assert.is(probes, 0)
})

test('durability follows the settings in force', () => {
  const synced = {
    fsync_after_insert: '1',
    fsync_part_directory: '1',
    min_rows_to_fsync_after_merge: '1',
    min_compressed_bytes_to_fsync_after_merge: '0',
    async_insert: '0',
    wait_for_async_insert: '1',
  }
  assert.is(durabilityOf(synced), 'power')
  assert.is(durabilityOf({ ...synced, min_rows_to_fsync_after_merge: '0', min_compressed_bytes_to_fsync_after_merge: '1' }), 'power')
  assert.is(durabilityOf({ ...synced, async_insert: '1' }), 'power')
  for (const name of ['fsync_after_insert', 'fsync_part_directory', 'min_rows_to_fsync_after_merge'])
    assert.is(durabilityOf({ ...synced, [name]: '0' }), 'process')
  assert.is(durabilityOf({}), 'process')
  assert.is(durabilityOf({ ...synced, async_insert: '1', wait_for_async_insert: '0' }), 'none')
  assert.is(durabilityOf({ ...synced, async_insert: '0', wait_for_async_insert: '0' }), 'power')
})

onServers('inserts that the server gathers are what a URL asks for, and refused where there are none', async (ground) => {
  const gathering = ground.url.replace(/\/?$/, '/?clickhouse_setting_async_insert=1')
  assert.equal(settingsIn(gathering), { async_insert: '1' })
  const error = await failure(ClickHouseServer.open(gathering))
  assert.match(
    error.message,
    ground.isNew ? /has no asynchronous inserts: leave async_insert off/ : /does not know a setting that the URL asks for/,
  )
  const { async_insert } = (await ground.server.facts()).settings
  assert.ok(async_insert === undefined || async_insert === '0')
})

onServers('runs are listed with what they remember, and only databases of Weir are dropped', async (ground) => {
  const [one, two] = [await ground.run(), await ground.run()]
  await one.remember({ target: 'old' })
  await one.remember({ target: "x'\\", list: [1, { a: null }] })
  const runs = await ground.server.runs()
  const find = (schema: string) => runs.find((run) => run.schema === schema)
  assert.equal(find(one.address.schema)?.memory, { target: "x'\\", list: [1, { a: null }] })
  assert.is(find(two.address.schema)?.memory, undefined)
  assert.ok((find(two.address.schema)?.bytes ?? 0) > 0)
  assert.ok(Math.abs(Date.now() - Date.parse(find(two.address.schema)?.createdAt ?? '')) < 60_000)
  await ground.server.drop(two.address.schema)
  await ground.server.drop(two.address.schema)
  assert.not((await ground.server.runs()).some(({ schema }) => schema === two.address.schema))
  await ground.link.run(sql`CREATE DATABASE weirdly_named`)
  await ground.link.run(sql`CREATE DATABASE weir_of_somebody`)
  try {
    await ground.link.run(sql`CREATE TABLE weir_of_somebody.t (n UInt8) ENGINE = MergeTree ORDER BY n`)
    assert.match((await failure(ground.server.drop('weirdly_named'))).message, /is not a database that Weir made: it stays/)
    assert.match(
      (await failure(ground.server.drop('weir_of_somebody'))).message,
      /has no table weir_run, so Weir did not make it: it stays/,
    )
    assert.not((await ground.server.runs()).some(({ schema }) => schema === 'weir_of_somebody'))
    assert.is(await ground.number(sql`SELECT count() AS n FROM system.databases WHERE name IN ('weirdly_named', 'weir_of_somebody')`), 2)
  } finally {
    await ground.link.run(sql`DROP DATABASE weirdly_named`)
    await ground.link.run(sql`DROP DATABASE weir_of_somebody`)
  }
})

onServers('deferred work is counted, and waited for', async (ground) => {
  const store = await ground.run()
  const writer = ground.closing(await store.writer())
  const before = await store.upkeep()
  for (let i = 0; i < 12; i++) await writer.write(await chunksOf(streamOf(), 10_000 + i * 50, 50))
  await ground.server.settle()
  const after = await store.upkeep()
  assert.ok(after.settled)
  const { parts = 0, activeParts = 0, mergedRows = 0 } = after.figures
  assert.ok(parts >= 12 && activeParts >= 1 && activeParts < parts, JSON.stringify(after))
  assert.ok(mergedRows > (before.figures['mergedRows'] ?? 0))
})

test('waiting for merges ends when parts stay as they are, and when patience does', async () => {
  let answers: readonly { readonly merging: string; readonly parts: string }[] = []
  let asked = 0
  const link = { rows: async () => [answers[Math.min(asked++, answers.length - 1)]] } as unknown as Link
  let clock = 0
  const world = {
    now: () => clock,
    pause: async (ms: number) => {
      clock += ms
    },
  }
  answers = [{ merging: '0', parts: '0' }]
  await untilMerged(link, world)
  assert.is(asked, 1)
  answers = [
    { merging: '2', parts: '30' },
    { merging: '1', parts: '20' },
    { merging: '0', parts: '11' },
  ]
  asked = 0
  const quietMs = await untilMerged(link, world)
  assert.ok(asked > 6 && asked < 15, `asked ${asked} times`)
  assert.ok(quietMs > 0 && quietMs < clock, 'the wait before the last change is none of it')
  answers = [{ merging: '1', parts: '20' }]
  clock = 0
  await untilMerged(link, world)
  assert.ok(clock >= 60_000 && clock < 600_000)
})

test('what is wrong with a URL is said in one sentence, and never its password', async () => {
  const page = createServer((_, answer) => answer.end('<html>hello</html>'))
  const missing = createServer((_, answer) => {
    answer.statusCode = 404
    answer.end('<html>not found</html>')
  })
  const ports = await Promise.all(
    [page, missing].map(
      (server) =>
        new Promise<number>((resolve) => server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port))),
    ),
  )
  const cases: readonly (readonly [url: string, message: RegExp])[] = [
    [`http://weir:${secret}@no-such-host.invalid:8123`, /that host has no address/],
    [`http://weir:${secret}@127.0.0.1:1`, /nothing listens there/],
    [`clickhouse://weir:${secret}@127.0.0.1:1`, /nothing listens there/],
    [`http://weir:${secret}@127.0.0.1:${ports[0]}`, /what answers there is no ClickHouse/],
    [`http://weir:${secret}@127.0.0.1:${ports[1]}`, /what answers there is no ClickHouse \("<html>not found/],
    [`https://weir:${secret}@127.0.0.1:${ports[0]}`, /does not speak TLS/],
    [`http://weir:${secret}@127.0.0.1:99999`, /is no URL of a server: write http:\/\/user:password/],
    [`http://weir:${secret}@127.0.0.1:1/?retries=1`, /asks for what is not known \(Unknown URL parameters: retries\)/],
  ]
  try {
    for (const [url, message] of cases) {
      const error = await failure(startServer({ store: url, durability: 'process' }))
      assert.instance(error, ClickHouseStoreError)
      assert.match(error.message, message)
      assert.not.match(error.message, secret)
      assert.not.match(error.message, '\n')
    }
  } finally {
    for (const server of [page, missing]) {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    }
  }
})

onGiven('what the URL asks of a server that is there, and is not', async (ground) => {
  const url = new URL(await givenServerUrl())
  const way = (change: (url: URL) => void) => {
    const other = new URL(url)
    change(other)
    return other.href
  }
  const cases: readonly (readonly [url: string, message: RegExp])[] = [
    [
      way((url) => {
        url.username = 'nobody'
        url.password = secret
      }),
      /user or password is wrong/,
    ],
    [
      way((url) => {
        url.password = secret
      }),
      /user or password is wrong/,
    ],
    [
      way((url) => {
        url.pathname = '/no_such_database'
      }),
      /that database does not exist/,
    ],
    [
      way((url) => {
        url.search = '?clickhouse_setting_no_such_setting=1'
      }),
      /does not know a setting that the URL asks for/,
    ],
  ]
  for (const [url, message] of cases) {
    const error = await failure(ClickHouseServer.open(url))
    assert.match(error.message, message)
    assert.not.match(error.message, secret)
  }
  const server = ground.closing(
    await ClickHouseServer.open(
      way((url) => {
        url.pathname = '/default'
      }),
    ),
  )
  assert.is(server.embedded, false)
})

const binary = debianBinary()
if (binary === undefined) test.skip('a user with a password who may only read (needs clickhouse-server)', () => undefined)
else {
  test('a user with a password who may only read is told so', async () => {
    const debian = await startDebianServer(binary)
    try {
      const url = debian.url.replace('default@', 'reader:p%40ss%2Fw%23rd@')
      const link = new Link(url)
      assert.equal(await link.rows(sql`SELECT 1 AS one`), [{ one: 1 }])
      await link.close()
      const error = await failure(ClickHouseServer.open(url))
      assert.match(error.message, /may only read/)
      assert.not.match(error.message, 'p%40ss')
    } finally {
      await debian.close()
    }
  })
}

test.run()
