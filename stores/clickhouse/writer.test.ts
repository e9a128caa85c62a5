/** The bulk path on real servers: what a batch becomes there, and what becomes of it when its connection breaks. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { InDoubtError } from '../store.js'
import type { ClickHouseStore } from './clickhouse.js'
import { Passage } from './passage.testing.js'
import { chunkOf, chunksOf, failure, type Ground, onEmbedded, onServers, streamOf } from './servers.testing.js'
import { id, sql } from './sql.js'

const line = (position: number) => `10.0.0.1 - - [15/Jan/2026:10:00:00 +0000] "GET /${position} HTTP/1.1" 200 1 "-" "-"`
const linesFrom = (first: number, count: number) =>
  chunkOf(
    Array.from({ length: count }, (_, i) => line(first + i)),
    first,
  )

const rowsIn = (ground: Ground, { address }: ClickHouseStore, table = 'nginx_logfile_row') =>
  ground.number(sql`SELECT count() AS n FROM ${id(address.schema, table)}`)
/** Parts that inserts made, merged meanwhile or not. */
const partsOf = (ground: Ground, { address }: ClickHouseStore) =>
  ground.number(sql`SELECT count() AS n FROM system.parts WHERE database = ${address.schema} AND table = 'nginx_logfile_row' AND level = 0`)

onServers('fields are stored as they were logged, in UTC whatever the server has for a clock', async (ground) => {
  const store = await ground.run()
  const writer = ground.closing(await store.writer())
  const lines = [
    '203.0.113.9 - ann [31/Jan/2026:23:30:00 -0100] "GET /a?b=c HTTP/1.1" 200 12 "http://x/" "agent \'1\'"',
    '2001:db8::1 - - [31/Jan/2026:23:59:59 +0000] "POST /login HTTP/2.0" 401 - "-" "-"',
    'nothing here',
  ]
  const receipt = await writer.write([chunkOf(lines, 40, 3)])
  assert.equal(receipt, [
    { source: 3, first: 40, count: 2, fate: 'stored' },
    { source: 3, first: 42, count: 1, fate: 'rejected', reason: 'bad address' },
  ])
  const rows = await ground.link.rows(sql`
    SELECT source, toString(position) AS position, toUInt32(created_at) AS at, hex(remote_addr) AS address, remote_user, method, path,
      protocol, status, toString(bytes) AS bytes, referrer, user_agent FROM ${id(store.address.schema, 'nginx_logfile_row')} ORDER BY position`)
  // The type of addresses is printed as a number or as bytes; both are the same sixteen.
  assert.equal(rows, [
    {
      source: 3,
      position: '40',
      at: Date.UTC(2026, 1, 1, 0, 30) / 1000,
      address: '00000000000000000000FFFFCB007109',
      remote_user: 'ann',
      method: 'GET',
      path: '/a?b=c',
      protocol: 'HTTP/1.1',
      status: 200,
      bytes: '12',
      referrer: 'http://x/',
      user_agent: "agent '1'",
    },
    {
      source: 3,
      position: '41',
      at: Date.UTC(2026, 0, 31, 23, 59, 59) / 1000,
      address: '20010DB8000000000000000000000001',
      remote_user: '',
      method: 'POST',
      path: '/login',
      protocol: 'HTTP/2.0',
      status: 401,
      bytes: null,
      referrer: null,
      user_agent: null,
    },
  ])
  assert.equal(
    (await store.partitions()).map(({ name, rows }) => [name, rows]),
    [
      ['nginx_logfile_row_2026_01', 1],
      ['nginx_logfile_row_2026_02', 1],
    ],
  )
  const rejected = []
  for await (const each of store.rejected()) rejected.push({ ...each, line: Buffer.from(each.line).toString() })
  assert.equal(rejected, [{ source: 3, position: 42, reason: 'bad address', length: 12, line: 'nothing here' }])
  assert.ok(await store.seen(3, 41))
  assert.not(await store.seen(3, 42))
  assert.is(writer.copied().records, 3)
})

onServers('batches that overlap are all stored, whichever the server is done with first, a part for each month', async (ground) => {
  const store = await ground.run()
  const writer = ground.closing(await store.writer({ ahead: 2 }))
  const spec = streamOf()
  const answered: number[] = []
  await Promise.all(
    Array.from({ length: 6 }, async (_, i) => {
      const receipt = await writer.write(await chunksOf(spec, 9_000 + i * 500, 500))
      answered.push(receipt[0]?.first ?? -1)
    }),
  )
  assert.equal(
    answered.sort((a, b) => a - b),
    Array.from({ length: 6 }, (_, i) => 9_000 + i * 500),
  )
  assert.is(await rowsIn(ground, store), 3_000)
  // The month ends within the stream: one of the batches is two parts.
  const months = await ground.number(
    sql`SELECT uniqExact(intDiv(position, 500), toYYYYMM(created_at)) AS n FROM ${id(store.address.schema, 'nginx_logfile_row')}`,
  )
  assert.is(await partsOf(ground, store), months)
})

onServers('a batch larger than an arena is still one part for each month', async (ground) => {
  const store = await ground.run()
  const writer = ground.closing(await store.writer())
  const spec = streamOf()
  const count = 90_000
  const receipt = await writer.write(await chunksOf(spec, 9_000, count))
  assert.is(
    receipt.reduce((sum, { count }) => sum + count, 0),
    count,
  )
  const table = id(store.address.schema, 'nginx_logfile_row')
  assert.is(await ground.number(sql`SELECT uniqExact(position) AS n FROM ${table}`), count)
  const months = await ground.number(sql`SELECT uniqExact(toYYYYMM(created_at)) AS n FROM ${table}`)
  assert.ok(months > 1)
  assert.is(await partsOf(ground, store), months)
})

/** Lets the next INSERT of a run's rows through, and keeps its answer. */
function keepAnswerOfInsert(passage: Passage): () => boolean {
  let connection: number | undefined
  let kept = false
  passage.onRequest = (bytes, id) => {
    if (connection === undefined && bytes.includes('INSERT+INTO') && bytes.includes('nginx_logfile_row')) connection = id
    return true
  }
  passage.onAnswer = (_, id) => {
    if (id !== connection || kept) return true
    kept = true
    // The server has answered, so the rows are there; the client is never told.
    setImmediate(() => passage.cut([id]))
    return false
  }
  return () => kept
}

onServers('a batch whose answer was lost is written again and stored once, or is in doubt where the server cannot tell', async (ground) => {
  const passage = ground.closing(await Passage.before(ground.url))
  const store = await ground.run({ url: passage.url })
  const writer = ground.closing(await store.writer())
  const wasKept = keepAnswerOfInsert(passage)
  const writing = writer.write([linesFrom(0, 50)])
  if (store.abilities.tokens) {
    assert.equal(await writing, [{ source: 1, first: 0, count: 50, fate: 'stored' }])
  } else {
    const error = await failure(writing)
    assert.instance(error, InDoubtError)
    assert.match(error.message, /ClickHouse at http.*whether the batch was stored is not known/)
  }
  assert.ok(wasKept())
  assert.is(await rowsIn(ground, store), 50)
  // The writer goes on over another connection.
  await writer.write([linesFrom(50, 10)])
  assert.is(await rowsIn(ground, store), 60)
})

/** Lets the event loop look for news so many times. */
async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
}

onServers('a server that is away for a moment is waited for', async (ground) => {
  const passage = ground.closing(await Passage.before(ground.url))
  const store = await ground.run({ url: passage.url })
  const writer = ground.closing(await store.writer())
  await passage.shut()
  // The writer hears that its idle connection is closed: what is written to it would be in doubt.
  await turns(5)
  const writing = writer.write([linesFrom(0, 20)])
  await turns(3)
  await passage.listen()
  assert.equal(await writing, [{ source: 1, first: 0, count: 20, fate: 'stored' }])
  assert.is(await rowsIn(ground, store), 20)
})

onServers('close() ends the waiting for a server that stays away', async (ground) => {
  const passage = ground.closing(await Passage.before(ground.url))
  const store = await ground.run({ url: passage.url })
  const writer = await store.writer()
  await passage.shut()
  const writing = failure(writer.write([linesFrom(0, 20)]))
  await writer.close()
  await writing
  assert.is(await rowsIn(ground, store), 0)
})

onEmbedded('what a killed server noted and lost is inserted again by whoever takes the file over', async (ground) => {
  const store = await ground.run()
  const { logfiles } = store
  await logfiles?.add({ path: '', ranges: [{ source: 1, first: 0, count: 30 }] })
  const writer = ground.closing(await store.writer())
  await logfiles?.claim('first', 0)
  await writer.write([linesFrom(0, 30)])
  await ground.mutate(store.address.schema, 'nginx_logfile_row', 'DELETE WHERE 1')
  // The token is there and the rows are not: a plain repetition is dropped.
  await writer.write([linesFrom(0, 30)])
  assert.is(await rowsIn(ground, store), 0)
  let claim = (await logfiles?.claim('second', 60_000))?.claim
  while (claim === undefined) claim = (await logfiles?.claim('second', 60_000))?.claim
  assert.is(claim.version, 2)
  await writer.write([linesFrom(0, 30)], claim)
  assert.is(await rowsIn(ground, store), 30)
})

onServers('a run that is not there is said when the writer is opened', async (ground) => {
  const store = await ground.run()
  await store.drop()
  assert.match((await failure(store.writer())).message, /^ClickHouse at .*(doesn't|does not) exist/)
})

onServers('the row path stores one record with each INSERT', async (ground) => {
  const store = await ground.run()
  const inserter = ground.closing(await store.inserter())
  const row = {
    source: 1,
    position: 5,
    createdAt: '2026-01-31T23:30:00-01:00',
    remoteAddr: '10.0.0.1',
    remoteUser: null,
    method: 'GET',
    path: '/5',
    protocol: 'HTTP/1.1',
    status: 200,
    bytes: 9_007_199_254_740_993n,
    referrer: null,
    userAgent: 'ü',
  }
  await inserter.insert(row)
  await inserter.reject(Buffer.from([0, 255]), 1, 6, 'NUL byte')
  const found = await ground.link.rows(
    sql`SELECT toYYYYMM(created_at) AS month, toString(bytes) AS bytes, user_agent FROM ${id(store.address.schema, 'nginx_logfile_row')}`,
  )
  assert.equal(found, [{ month: 202602, bytes: '9007199254740993', user_agent: 'ü' }])
  const rejected = []
  for await (const each of store.rejected()) rejected.push({ ...each, line: [...each.line] })
  assert.equal(rejected, [{ source: 1, position: 6, reason: 'NUL byte', length: 2, line: [0, 255] }])
})

onServers('a month is dropped with its rows, and one that is not there is fine', async (ground) => {
  const store = await ground.run()
  const writer = ground.closing(await store.writer())
  await writer.write(await chunksOf(streamOf(), 9_000, 3_000))
  const before = await store.partitions()
  const gone = await store.dropMonth('2026-01')
  assert.is(gone.rows, before[0]?.rows)
  assert.ok(gone.bytes > 0)
  assert.equal(
    (await store.partitions()).map(({ name }) => name),
    ['nginx_logfile_row_2026_02'],
  )
  assert.equal(await store.dropMonth('2026-01'), { rows: 0, bytes: 0 })
})

test.run()
