/** The embedded engine as @clickhouse/client sees it: statements, formats, parameters, data in and out, and what goes wrong. */
import { readFileSync, writeFileSync } from 'node:fs'
import { type ClientRequest, request } from 'node:http'
import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { type ClickHouseClient, ClickHouseError } from '@clickhouse/client'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { EmbeddedEngine } from '../embedded.js'
import { answerTo, bytesOf, clientOf, failure, until } from '../embedded.testing.js'

let engine: EmbeddedEngine
let client: ClickHouseClient

test.before(async () => {
  engine = await EmbeddedEngine.start({ durability: 'process' })
  client = clientOf(engine.url)
})

test.after(async () => {
  await client.close()
  await engine.close()
})

test.before.each(async () => {
  await client.command({ query: 'DROP TABLE IF EXISTS t' })
  await client.command({
    query: `CREATE TABLE t (a UInt32, b String DEFAULT 'none') ENGINE MergeTree ORDER BY a SETTINGS non_replicated_deduplication_window = 100`,
  })
})

const count = () => answerTo(client, 'SELECT count() FROM t')

async function insertBytes(query: string, bytes: Uint8Array | readonly Uint8Array[], settings = {}): Promise<void> {
  const values = Readable.from(bytes instanceof Uint8Array ? [bytes] : bytes, { objectMode: false })
  const { stream } = await client.exec({ query, values, clickhouse_settings: settings })
  stream.resume()
}

/** A request as its headers and body are. */
async function post(search: string, body: Uint8Array | string, headers: Record<string, string> = {}) {
  const { username, password, origin } = new URL(engine.url)
  const authorization = `Basic ${Buffer.from(`${username}:${decodeURIComponent(password)}`).toString('base64')}`
  const response = await fetch(`${origin}/?${search}`, {
    method: 'POST',
    body: typeof body === 'string' ? body : new Uint8Array(body),
    headers: { authorization, ...headers },
  })
  return { response, text: await response.text() }
}

test('it answers a ping, and knows no other path', async () => {
  assert.equal(await client.ping(), { success: true })
  const { origin } = new URL(engine.url)
  assert.is(await (await fetch(`${origin}/ping`)).text(), 'Ok.\n')
  assert.is((await fetch(`${origin}/nothing`)).status, 404)
})

test('rows come in every format that is asked for, tabs when none is', async () => {
  const query = 'SELECT number AS n, toString(number) AS s FROM numbers(200000)'
  assert.is((await (await client.query({ query, format: 'JSONEachRow' })).json()).length, 200_000)
  assert.is((await (await client.query({ query, format: 'JSON' })).json<{ n: string }>()).data.length, 200_000)
  assert.is((await (await client.query({ query, format: 'JSONCompactEachRow' })).json()).length, 200_000)
  const named = (await (await client.query({ query, format: 'TabSeparatedWithNames' })).text()).split('\n')
  assert.is(named.length, 200_002)
  assert.is(named.filter((line) => line === 'n\ts').length, 1)
  const { response, text } = await post('', 'SELECT 1, 2')
  assert.is(text, '1\t2\n')
  assert.is(response.headers.get('x-clickhouse-format'), 'TabSeparated')
  assert.is((await post('default_format=CSV&query=SELECT%201,%20%27x%27', '')).text, '1,"x"\n')
})

test('statements that are no SELECT answer too', async () => {
  assert.match(await answerTo(client, 'SHOW TABLES'), /^t$/m)
  assert.match(await answerTo(client, 'EXPLAIN SELECT 1'), /./)
  assert.match(await answerTo(client, 'DESCRIBE TABLE t'), /UInt32/)
})

test('parameters arrive as they were given', async () => {
  const text = `it's "a" \\ back\\slash\n\ttab {b:String} \u00e4\u{1f600}`
  const result = await client.query({
    query: 'SELECT {s:String} AS s, {a:Array(String)} AS a, {d:DateTime} AS d, {n:Nullable(UInt8)} AS n, toString({i:Int64}) AS i',
    query_params: { s: text, a: [text, ''], d: new Date(86_400_000), n: null, i: '-9007199254740993' },
    format: 'JSONEachRow',
  })
  assert.equal(await result.json(), [{ s: text, a: [text, ''], d: '1970-01-02 00:00:00', n: null, i: '-9007199254740993' }])
  await client.command({ query: 'INSERT INTO {table:Identifier} (a) VALUES ({a:UInt32})', query_params: { table: 't', a: 5 } })
  assert.is(await answerTo(client, 'SELECT * FROM t'), '5\tnone')
})

test('settings hold for their request alone', async () => {
  const query = `SELECT value FROM system.settings WHERE name = 'max_block_size'`
  const shipped = await answerTo(client, query)
  const given = await client.query({ query, format: 'TabSeparated', clickhouse_settings: { max_block_size: '1234' } })
  assert.is((await given.text()).trim(), '1234')
  assert.is(await answerTo(client, query), shipped)
  await client.command({ query: 'SET max_block_size = 4321' })
  for (let i = 0; i < 30; i++) assert.is(await answerTo(client, query), shipped)
})

test('a session that is named keeps what was set in it', async () => {
  await client.command({ query: 'SET max_block_size = 4321', session_id: 'mine' })
  const query = `SELECT value FROM system.settings WHERE name = 'max_block_size'`
  assert.is((await (await client.query({ query, format: 'TabSeparated', session_id: 'mine' })).text()).trim(), '4321')
  assert.is.not(await answerTo(client, query), '4321')
})

test('a database is that of its request alone', async () => {
  await client.command({ query: 'CREATE DATABASE IF NOT EXISTS "other `"' })
  const other = clientOf(engine.url, 'other `')
  assert.is(await answerTo(other, 'SELECT currentDatabase()'), 'other `')
  for (let i = 0; i < 30; i++) assert.is(await answerTo(client, 'SELECT currentDatabase()'), 'default')
  await other.close()
})

test('inserts: rows as objects, columns in another order, values in the statement, and none', async () => {
  await client.insert({ table: 't', values: [{ a: 1, b: `it's\n` }, { a: 2 }], format: 'JSONEachRow' })
  await client.insert({ table: 't', columns: ['b', 'a'], values: [['x', 3]], format: 'JSONCompactEachRow' })
  await client.command({ query: `INSERT INTO t VALUES (4, 'y'), (2 + 3, 'z')` })
  await client.insert({ table: 't', values: Readable.from([], { objectMode: true }), format: 'JSONEachRow' })
  for (const format of ['Native', 'TSV', 'JSONEachRow', 'RowBinary']) await insertBytes(`INSERT INTO t FORMAT ${format}`, Buffer.alloc(0))
  assert.is((await post('', 'INSERT INTO t (a) FORMAT TSV\n6\n7\n')).response.status, 200)
  assert.is((await post(`query=${encodeURIComponent('INSERT INTO t (a) VALUES')}`, '(8), (9)')).response.status, 200)
  assert.is(
    await answerTo(client, 'SELECT groupArray((a, b)) FROM (SELECT * FROM t ORDER BY a)'),
    String.raw`[(1,'it\'s\n'),(2,'none'),(3,'x'),(4,'y'),(5,'z'),(6,'none'),(7,'none'),(8,'none'),(9,'none')]`,
  )
})

for (const format of ['Native', 'RowBinary', 'TSV', 'CSV', 'JSONEachRow', 'JSONCompactEachRow', 'TabSeparatedWithNames']) {
  test(`what comes out as ${format} goes in again`, async () => {
    const rows = `SELECT toString(number) || '\\n\\t' AS b, toUInt32(number) AS a FROM numbers(150000)`
    const bytes = await bytesOf(client, `${rows} FORMAT ${format}`)
    const pieces = [bytes.subarray(0, 1), bytes.subarray(1, 100_001), bytes.subarray(100_001)]
    await insertBytes(`INSERT INTO t (b, a) FORMAT ${format}`, pieces)
    assert.is(
      await answerTo(client, `SELECT count(), sum(cityHash64(b, a)) = (SELECT sum(cityHash64(b, a)) FROM (${rows})) FROM t`),
      '150000\t1',
    )
  })
}

test('an insert with a token is not done twice', async () => {
  const bytes = await bytesOf(client, `SELECT toUInt32(number) AS a FROM numbers(100) FORMAT Native`)
  for (const token of ['one', 'one', 'two'])
    await insertBytes('INSERT INTO t (a) FORMAT Native', bytes, { insert_deduplication_token: token })
  assert.is(await count(), '200')
  // In the statement it means the same.
  await insertBytes(`INSERT INTO t (a) SETTINGS insert_deduplication_token = 'two' FORMAT Native`, bytes)
  assert.is(await count(), '200')
})

test('compressed bodies and answers', async () => {
  const compressing = clientOf(`${engine.url}?compression_request=1&compression_response=1`)
  await compressing.insert({ table: 't', values: Array.from({ length: 1000 }, (_, a) => ({ a })), format: 'JSONEachRow' })
  const rows = await (await compressing.query({ query: 'SELECT a FROM t ORDER BY a', format: 'JSONEachRow' })).json<{ a: number }>()
  assert.equal(
    rows.map(({ a }) => a),
    Array.from({ length: 1000 }, (_, a) => a),
  )
  await compressing.close()
  const query = `query=${encodeURIComponent('INSERT INTO t (a) FORMAT TSV')}`
  assert.is((await post(query, gzipSync('2000\n2001\n'), { 'content-encoding': 'gzip' })).response.status, 200)
  assert.is(await count(), '1002')
  const { response } = await post('enable_http_compression=1&query=SELECT%201', '', { 'accept-encoding': 'gzip' })
  assert.is(response.headers.get('content-encoding'), 'gzip')
  const cut = gzipSync(Buffer.from('3000\n'.repeat(100_000)))
  assert.is((await post(query, cut.subarray(0, cut.length - 20), { 'content-encoding': 'gzip' })).response.ok, false)
  assert.match((await post(query, 'x', { 'content-encoding': 'lzw' })).text, /compression method of the request: lzw/)
  assert.is(await count(), '1002')
})

for (const [what, query, code, type, status] of [
  ['an unknown table', 'SELECT * FROM nowhere', '60', 'UNKNOWN_TABLE', 404],
  ['no SQL', 'selct 1', '62', 'SYNTAX_ERROR', 400],
  ['two statements', 'SELECT 1; SELECT 2', '62', 'SYNTAX_ERROR', 400],
  ['a table that exists', 'CREATE TABLE t (a UInt8) ENGINE Memory', '57', 'TABLE_ALREADY_EXISTS', 500],
  ['a value that does not fit', `INSERT INTO t VALUES ('x')`, undefined, undefined, 400],
  ['an insert into no table', 'INSERT INTO nowhere FORMAT TSV\n1\n', '60', 'UNKNOWN_TABLE', 404],
  ['a column that is not there', 'INSERT INTO t (c) FORMAT TSV\n1\n', '16', 'NO_SUCH_COLUMN_IN_TABLE', 500],
  ['an unknown format', 'INSERT INTO t FORMAT Nonsense\n1\n', '73', 'UNKNOWN_FORMAT', 404],
  ['data that do not parse', 'INSERT INTO t (a) FORMAT TSV\n1\nx\n', '27', undefined, 400],
  ['asynchronous inserts in the statement', 'INSERT INTO t SETTINGS async_insert = 1 VALUES (1)', '48', 'NOT_IMPLEMENTED', 501],
] as const) {
  test(`an error for ${what}`, async () => {
    const { response, text } = await post('', query)
    if (code !== undefined) assert.is(response.headers.get('x-clickhouse-exception-code'), code)
    assert.match(text, /^Code: \d+\. DB::Exception: .*\([A-Z0-9_]+\) \(version 2\d\./s)
    assert.is(response.status, status)
    const failed = await failure(client.command({ query }))
    assert.instance(failed, ClickHouseError)
    if (type !== undefined) assert.is((failed as ClickHouseError).type, type)
    assert.is(await count(), '0')
  })
}

test('errors of settings: unknown ones, and what the engine would ignore', async () => {
  assert.match((await post('no_such_setting=1', 'SELECT 1')).text, /UNKNOWN_SETTING/)
  assert.match((await post(encodeURIComponent('a = 1, b'), 'SELECT 1')).text, /UNKNOWN_SETTING/)
  const failed = await failure(
    client.insert({ table: 't', values: [{ a: 1 }], format: 'JSONEachRow', clickhouse_settings: { async_insert: 1 } }),
  )
  assert.match(failed.message, /has no asynchronous inserts/)
  await client.insert({ table: 't', values: [{ a: 1 }], format: 'JSONEachRow', clickhouse_settings: { async_insert: 0 } })
  assert.is(await count(), '1')
})

test('nobody gets in without the password', async () => {
  const { origin } = new URL(engine.url)
  for (const url of [`http://weir:wrong@${origin.slice(7)}/`, `http://${origin.slice(7)}/`]) {
    const stranger = clientOf(url)
    const failed = await failure(stranger.command({ query: 'SELECT 1' }))
    assert.is((failed as ClickHouseError).code, '516')
    assert.is((failed as ClickHouseError).type, 'AUTHENTICATION_FAILED')
    await stranger.close()
  }
  assert.is((await fetch(`${origin}/?query=SELECT%201`)).status, 403)
})

test('an answer that fails on its way does not end well', async () => {
  const query = 'SELECT throwIf(number = 3000000) AS x FROM numbers(4000000)'
  const rows = (await client.query({ query, format: 'JSONEachRow' })).stream()
  const told = await failure(
    (async () => {
      for await (const _ of rows) {
      }
    })(),
  )
  assert.is((told as ClickHouseError).type, 'FUNCTION_THROW_IF_VALUE_IS_NON_ZERO')
  await failure(bytesOf(client, `${query} FORMAT RowBinary`))
  const { origin } = new URL(engine.url)
  for (const compressed of ['', '&enable_http_compression=1']) {
    await failure(post(`query=${encodeURIComponent(query)}${compressed}`, '', { 'accept-encoding': 'gzip' }))
  }
  assert.ok(origin)
})

/** Begins an insert as a client does that then breaks off; resolves when the engine has begun with it. */
async function beginInsert(query: string, bytes: Uint8Array): Promise<ClientRequest> {
  const begun = request(`${engine.url}?query=${encodeURIComponent(query)}`, { method: 'POST' })
  begun.on('error', () => undefined)
  begun.write(bytes)
  await until(async () => (await running()) === '1')
  return begun
}

const running = () => answerTo(client, `SELECT count() FROM system.processes WHERE query LIKE 'INSERT INTO t%'`)

for (const format of ['Native', 'RowBinary', 'JSONEachRow', 'TSV']) {
  test(`an insert of ${format} that breaks off stores nothing, wherever it does`, async () => {
    const whole = await bytesOf(client, `SELECT toUInt32(number) AS a, 'x' AS b FROM numbers(10000) FORMAT ${format}`)
    for (const bytes of [whole, whole.subarray(0, whole.length - 3), Buffer.concat([whole, whole])]) {
      // The statement's own small blocks would be stored as they come, as on any server; one insert's block must not be.
      const begun = await beginInsert(`INSERT INTO t FORMAT ${format}`, bytes)
      begun.destroy()
      await until(async () => (await running()) === '0')
      assert.is(await count(), '0')
    }
    await insertBytes(`INSERT INTO t FORMAT ${format}`, whole)
    assert.is(await count(), '10000')
  })
}

test('an insert that fails at once answers although its body has not ended', async () => {
  const bytes = Buffer.alloc(20_000_000, 'x\n')
  const failed = await failure(insertBytes('INSERT INTO t (a) FORMAT TSV', bytes))
  assert.instance(failed, ClickHouseError)
  const missing = await failure(insertBytes('INSERT INTO nowhere FORMAT Native', bytes))
  assert.is((missing as ClickHouseError).type, 'UNKNOWN_TABLE')
})

test('queries and inserts run side by side, more than there are sessions', async () => {
  const bytes = await bytesOf(client, `SELECT toUInt32(number) AS a FROM numbers(20000) FORMAT Native`)
  const work: Promise<unknown>[] = []
  for (let i = 0; i < 60; i++) {
    work.push(insertBytes('INSERT INTO t (a) FORMAT Native', bytes))
    work.push(
      (async () => {
        const result = await client.query({ query: 'SELECT {x:String} AS x', query_params: { x: `mine ${i}` }, format: 'JSONEachRow' })
        assert.equal(await result.json(), [{ x: `mine ${i}` }])
      })(),
    )
  }
  await Promise.all(work)
  assert.is(await count(), '1200000')
})

/** The most memory that the engine had since it was last asked, in bytes. */
function peakBytes(): number {
  const peak = Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${engine.pid}/status`, 'latin1'))?.[1]) * 1024
  writeFileSync(`/proc/${engine.pid}/clear_refs`, '5')
  return peak
}

test('hundreds of megabytes go through it in both directions without lying in it', async () => {
  const rows = 3_000_000
  const query = `SELECT toUInt32(number) AS a, repeat('x', 100) AS b FROM numbers(${rows}) FORMAT RowBinary`
  await bytesOf(client, query.replace(String(rows), '200000'))
  peakBytes()
  const before = peakBytes()
  const { stream } = await client.exec({ query })
  let bytes = 0
  for await (const chunk of stream) bytes += (chunk as Buffer).length
  assert.is(bytes, rows * 105)
  const out = peakBytes() - before
  assert.ok(out < 200e6, `${out} bytes for an answer of ${bytes}`)

  await client.command({ query: 'CREATE TABLE IF NOT EXISTS gone AS t ENGINE Null' })
  const piece = await bytesOf(client, query.replace(String(rows), '10000'))
  await insertBytes('INSERT INTO gone FORMAT RowBinary', [piece])
  const idle = peakBytes()
  const pieces = (function* () {
    for (let i = 0; i < 300; i++) yield piece
  })()
  // Blocks as small as they come: what the engine gathers for a part is its own affair.
  const { stream: done } = await client.exec({
    query: 'INSERT INTO gone FORMAT RowBinary',
    values: Readable.from(pieces, { objectMode: false }),
    clickhouse_settings: { min_insert_block_size_rows: '1', min_insert_block_size_bytes: '1' },
  })
  done.resume()
  const taken = peakBytes() - idle
  assert.ok(taken < 200e6, `${taken} bytes for a body of ${300 * piece.length}`)
})

test('whoever goes away in the middle of an answer leaves the session to others', async () => {
  for (let i = 0; i < 40; i++) {
    const { stream } = await client.exec({ query: 'SELECT number FROM system.numbers FORMAT RowBinary' })
    for await (const _ of stream) break
    stream.destroy()
  }
  await until(
    async () =>
      (await answerTo(client, `SELECT count() FROM system.processes WHERE query LIKE 'SELECT number FROM system.numbers%'`)) === '0',
  )
  assert.is(await answerTo(client, 'SELECT 1'), '1')
})

test.run()
