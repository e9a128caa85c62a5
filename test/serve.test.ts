/** weir serve as a user starts it: what it prints, what it refuses, and how it ends. */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import type pg from 'pg'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { openStore, startServer } from '../stores/index.js'
import { connect } from '../stores/postgres/connect.js'
import type { Store, StoreServer } from '../stores/store.js'
import { type Ended, main, weir } from './weir.js'

const token = 'a-token-that-nobody-sees'
let server: StoreServer
const stores: Store[] = []

async function keepRun(): Promise<Store> {
  const store = await openStore({
    store: 'postgres',
    url: server.url,
    schema: `weir_test_${randomBytes(6).toString('hex')}`,
    layout: { partitionKey: 'id', partitions: 2 },
    format: 'combined',
  })
  await store.prepare({ kind: 'rows', keeps: 'all' }, ['2026-01'])
  const writer = await store.writer()
  const lines = Buffer.from('203.0.113.7 - - [31/Jan/2026:12:00:00 +0000] "GET /a HTTP/1.1" 200 5 "-" "curl"\n')
  await writer.write([{ source: 1, first: 0, count: 1, lines: new Uint8Array(lines) }])
  await writer.close()
  stores.push(store)
  return store
}

test.before(async () => {
  server = await startServer({ store: 'postgres', durability: 'process' })
})

test.after(async () => {
  for (const store of stores) await store.close()
  await server?.close()
})

test('without a run to serve it says so', () => {
  const { status, stdout, stderr } = weir(['serve', 'analytics', '--store', server.url])
  assert.is(status, 2)
  assert.is(stdout, '')
  assert.match(stderr, /no run lies at postgres:/)
  assert.not.match(stderr, new URL(server.url).password)
})

interface Serving {
  readonly child: ChildProcess
  readonly url: string
  readonly ended: Promise<Ended>
}

/** Starts `weir serve ...`, until it says where it listens. */
async function serving(words: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<Serving> {
  const clean = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('WEIR_')))
  const child = spawn(process.execPath, [main, 'serve', ...words], { env: { ...clean, ...environment }, stdio: ['ignore', 'pipe', 'pipe'] })
  const texts = { stdout: '', stderr: '' }
  child.stderr.on('data', (chunk: Buffer) => {
    texts.stderr += chunk.toString()
  })
  const ended = new Promise<Ended>((done) => child.on('close', (status) => done({ status, ...texts })))
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      texts.stdout += chunk.toString()
      if (texts.stdout.endsWith('\n')) resolve(texts.stdout.trim())
    })
    void ended.then(({ stderr }) => reject(new Error(stderr)))
  })
  return { child, url, ended }
}

/** Until somebody waits for a lock: asking again is the waiting. */
async function untilWaiting(client: pg.Client): Promise<void> {
  const waiting = `SELECT 1 FROM pg_stat_activity WHERE application_name = 'weir analytics' AND wait_event_type = 'Lock'`
  while ((await client.query(waiting)).rowCount === 0) {
    await client.query('SELECT pg_stat_clear_snapshot()')
  }
}

test('a request under way is answered before a signal ends the service, and its port is free then', async () => {
  const store = await keepRun()
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const client = await connect(server.url)
    const running = await serving(['analytics', '--store', server.url], { WEIR_TOKEN: token })
    try {
      await client.query(`BEGIN; LOCK TABLE ${store.address.schema}.nginx_logfile_row IN ACCESS EXCLUSIVE MODE`)
      const asked = fetch(`${running.url}/v1/top/path`, { headers: { authorization: `Bearer ${token}` } })
      await untilWaiting(client)
      const told = new Promise<void>((resolve) => running.child.stderr?.once('data', () => resolve()))
      running.child.kill(signal)
      await told
      await client.query('ROLLBACK')
      const answer = await asked
      assert.is(answer.status, 200)
      assert.equal(await answer.json(), { data: [{ value: '/a', hits: 1, bytes: 5 }], page: { limit: 100, offset: 0, next: null } })
      const { status, stdout, stderr } = await running.ended
      assert.is(status, 130, stderr)
      assert.match(stdout, /^http:\/\/127\.0\.0\.1:\d+\n$/)
      assert.not.match(stdout + stderr, token)
      assert.instance(await fetch(running.url).catch((error: Error) => error), Error)
    } finally {
      running.child.kill('SIGKILL')
      await client.end()
    }
  }
})

test('of several runs one must be named; a wrong name is answered with the right ones', async () => {
  const [first] = stores
  const second = await keepRun()
  const several = weir(['serve', 'analytics', '--store', server.url])
  assert.is(several.status, 2)
  assert.match(several.stderr, /2 runs lie at .*; say which with --schema:/)
  for (const store of [first, second]) assert.match(several.stderr, store?.address.schema ?? 'none')
  assert.not.match(several.stderr, new URL(server.url).password)

  const absent = weir(['serve', 'analytics', '--store', server.url, '--schema', 'weir_absent'])
  assert.is(absent.status, 1)
  assert.match(absent.stderr, /weir_absent/)
  for (const name of ['public', 'x; DROP', 'ABC'])
    assert.is(weir(['serve', 'analytics', '--store', server.url, '--schema', name]).status, 2)

  const running = await serving(['analytics', '--store', server.url, '--schema', second.address.schema.slice('weir_test_'.length)])
  assert.is((await fetch(`${running.url}/ready`)).status, 200)
  running.child.kill('SIGTERM')
  assert.is((await running.ended).status, 130)
})

test('a user who may but read is enough when the run is named', async () => {
  const store = stores[0] ?? (await keepRun())
  const client = await connect(server.url)
  const { schema } = store.address
  await client.query(`CREATE ROLE reader LOGIN PASSWORD 'reading'; GRANT USAGE ON SCHEMA ${schema} TO reader;
    GRANT SELECT ON ALL TABLES IN SCHEMA ${schema} TO reader; REVOKE CREATE ON DATABASE postgres FROM PUBLIC`)
  const url = new URL(server.url)
  url.username = 'reader'
  url.password = 'reading'
  const running = await serving(['analytics', '--store', url.href, '--schema', schema])
  try {
    assert.is((await fetch(`${running.url}/v1/visitors`)).status, 200)
  } finally {
    running.child.kill('SIGTERM')
    await running.ended
    await client.query(`DROP OWNED BY reader; DROP ROLE reader`)
    await client.end()
  }
})

test('the command line is checked before anything is started', () => {
  const wrong: readonly (readonly [readonly string[], RegExp])[] = [
    [[], /say what to serve: weir serve analytics/],
    [['analitics'], /unknown service "analitics": did you mean "analytics"\?/],
    [['analytics'], /say where the run lies/],
    [['analytics', '-s', 'null'], /keeps nothing/],
    [['analytics', '-s', 'postgres'], /say where the run lies/],
    [['analytics', '-s', server.url, '--data', 'kept'], /two places/],
    [['analytics', '-s', server.url, '--port', '70000'], /no port/],
    [['analytics', '-s', server.url, '--prot', '80'], /did you mean "--port"/],
    [['analytics', '-s', server.url, '--token', 'two words'], /no spaces/],
  ]
  for (const [words, about] of wrong) {
    const { status, stdout, stderr } = weir(['serve', ...words])
    assert.is(status, 2, stderr)
    assert.is(stdout, '')
    assert.match(stderr, about)
    assert.not.match(stderr, /two words/)
  }
})

test('the document needs no store', () => {
  const { status, stdout } = weir(['serve', 'analytics', '--openapi'])
  assert.is(status, 0)
  assert.ok('/v1/hits' in JSON.parse(stdout).paths)
})

const oldClickHouse = process.env['WEIR_TEST_CLICKHOUSE']
if (oldClickHouse === undefined)
  test.skip('a server without parameters is refused with the reason (needs WEIR_TEST_CLICKHOUSE)', () => undefined)
else {
  test('a server without parameters is refused with the reason', () => {
    const { status, stderr } = weir(['serve', 'analytics', '--store', oldClickHouse, '--schema', 'weir_any'])
    assert.is(status, 1)
    assert.match(stderr, /takes no query parameters/)
  })
}

test.run()
