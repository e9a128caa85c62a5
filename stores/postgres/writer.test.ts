/** The bulk path on real servers: what is written is what was logged, in the leaves where the server wants it, and whole batches or nothing. */
import type pg from 'pg'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type Chunk, formats, keptLineBytes, partitionKeys } from '../../generators/record.js'
import { InDoubtError, type Receipt } from '../store.js'
import { PostgresError } from './connect.js'
import { keyColumn } from './layout.js'
import type { PostgresStore } from './postgres.js'
import { chunkOf, chunksOf, failure, linesOf, numberOf, onServers, streamOf } from './servers.testing.js'

const line = (position: number, date = '15/Jan/2026:10:00:00 +0000') =>
  `10.0.0.${position % 256} - - [${date}] "GET /page/${position} HTTP/1.1" 200 ${position} "-" "-"`
const linesFrom = (first: number, count: number, date?: string) =>
  chunkOf(
    Array.from({ length: count }, (_, i) => line(first + i, date)),
    first,
  )

const rowsOf = (client: pg.Client, { address }: PostgresStore, where = 'true') =>
  numberOf(client, `SELECT count(*) FROM ${address.schema}.nginx_logfile_row WHERE ${where}`)

/** A batch that does not fit into one arena: some 80,000 rows of 400 bytes. */
function largeBatch(first: number, count = 80_000): Chunk[] {
  const agent = 'x'.repeat(300)
  return Array.from({ length: count / 4_000 }, (_, chunk) =>
    chunkOf(
      Array.from({ length: 4_000 }, (_, i) => line(first + chunk * 4_000 + i).replace('"-" "-"', `"-" "${agent}"`)),
      first + chunk * 4_000,
    ),
  )
}

const request = `concat_ws(' ', nullif(method, ''), path, nullif(protocol, ''))`
const common = `host(remote_addr) || ' - ' || coalesce(nullif(remote_user, ''), '-')
  || to_char(created_at, ' [DD/Mon/YYYY:HH24:MI:SS +0000] ') || '"' || ${request} || '" ' || status || ' ' || coalesce(bytes::text, '-')`
/** How a line is put together again from its row. */
const lineSql = {
  common,
  combined: `${common} || ' "' || coalesce(referrer, '-') || '" "' || coalesce(user_agent, '-') || '"'`,
  json: `json_build_array(to_char(created_at, 'YYYY-MM-DD"T"HH24:MI:SS+00:00'), host(remote_addr), remote_user, ${request}, status, bytes,
    coalesce(referrer, ''), coalesce(user_agent, ''))::text`,
}

/** A JSON line as the query above has it; addresses as the server writes them. */
function comparable(text: string, format: keyof typeof lineSql): string {
  if (format !== 'json') return text.replace(/^\S*:\S*/, shortest)
  const object = JSON.parse(text) as Record<string, unknown>
  return JSON.stringify(Object.entries(object).map(([name, value]) => (name === 'remote_addr' ? shortest(String(value)) : value)))
}

const shortest = (address: string) => (address.includes(':') ? new URL(`http://[${address}]`).hostname.slice(1, -1) : address)

for (const format of formats) {
  onServers(`rows of ${format} read back as they were logged`, async (ground) => {
    const spec = streamOf(format)
    const store = await ground.run({ format, months: ['2026-01'] })
    const writer = ground.closing(await store.writer())
    const chunks = await chunksOf(spec, 5_000, 10_000)
    const receipt = await writer.write(chunks)
    assert.equal(joined(receipt), [{ source: 1, first: 5_000, count: 10_000, fate: 'stored' }])
    const client = await ground.client()
    const { rows } = await client.query<{ line: string }>(
      `SELECT ${lineSql[format]} AS line FROM ${store.address.schema}.nginx_logfile_row ORDER BY position`,
    )
    const found = rows.map((row) => (format === 'json' ? JSON.stringify(JSON.parse(row.line)) : row.line))
    for (const [i, expected] of linesOf(chunks).entries()) assert.is(found[i], comparable(expected, format))
    assert.is(rows.length, 10_000)
    // The stream crossed into a month that nobody had prepared.
    assert.ok((await rowsOf(client, store, `created_at >= '2026-02-01'`)) > 1_000)
  })
}

for (const partitionKey of partitionKeys) {
  for (const routed of [true, false]) {
    onServers(
      `rows keyed by ${partitionKey} lie where the server wants them, ${routed ? 'routed' : 'through the parent'}`,
      async (ground) => {
        const store = await ground.run({ layout: { partitionKey, partitions: 5 }, months: ['2026-01', '2026-02'] })
        const writer = ground.closing(await store.writer({ routed }))
        await writer.write(await chunksOf(streamOf(), 8_000, 5_000))
        const client = await ground.client()
        const astray = await numberOf(
          client,
          `SELECT count(*) FROM ${store.address.schema}.nginx_logfile_row r JOIN pg_class c ON c.oid = r.tableoid
         WHERE NOT satisfies_hash_partition((SELECT inhparent FROM pg_inherits WHERE inhrelid = r.tableoid), 5,
           right(c.relname, 1)::int, r.${keyColumn(partitionKey)}) OR c.relname !~ to_char(r.created_at, '"_"YYYY"_"MM"_p"[0-4]')`,
        )
        assert.is(astray, 0)
        assert.is(await rowsOf(client, store), 5_000)
        const leaves = await numberOf(client, `SELECT count(DISTINCT tableoid) FROM ${store.address.schema}.nginx_logfile_row`)
        // Most requests have no user: their hash has one place in each month.
        assert.ok(partitionKey === 'user' ? leaves > 2 : leaves === 10, `${leaves} leaves`)
      },
    )
  }
}

for (const routed of [true, false]) {
  onServers(`months that nobody prepared are made on the way, ${routed ? 'routed' : 'through the parent'}`, async (ground) => {
    const store = await ground.run({ months: [] })
    await ground.closing(await store.writer({ routed })).write([linesFrom(0, 10)])
    assert.is(await rowsOf(await ground.client(), store), 10)
  })
}

onServers('a batch larger than an arena is one transaction', async (ground) => {
  const store = await ground.run()
  const writer = ground.closing(await store.writer())
  const client = await ground.client()
  const xids = `SELECT count(DISTINCT xmin::text) FROM ${store.address.schema}.nginx_logfile_row`
  // Another connection keeps looking until the batch is settled: it sees all of it or nothing.
  let settled = false
  const writing = writer.write(largeBatch(0)).finally(() => {
    settled = true
  })
  const seen = new Set<number>()
  while (!settled) seen.add(await rowsOf(client, store))
  assert.equal(joined(await writing), [{ source: 1, first: 0, count: 80_000, fate: 'stored' }])
  seen.add(await rowsOf(client, store))
  seen.delete(0)
  assert.equal([...seen], [80_000])
  assert.is(await numberOf(client, xids), 1)
  assert.is(writer.copied().records, 80_000)
})

onServers('overlapping writes, large ones among them, commit in the order of the calls', async (ground) => {
  const store = await ground.run()
  const writer = ground.closing(await store.writer())
  const order: number[] = []
  const batches = [largeBatch(0), [linesFrom(100_000, 10)], largeBatch(200_000), [linesFrom(300_000, 10)], [linesFrom(400_000, 10)]]
  await Promise.all(batches.map((batch, index) => writer.write(batch).then(() => order.push(index))))
  assert.equal(order, [0, 1, 2, 3, 4])
  const client = await ground.client()
  const { rows } = await client.query<{ batch: number }>(
    `SELECT position / 100000 AS batch FROM ${store.address.schema}.nginx_logfile_row GROUP BY 1, xmin ORDER BY min(xmin::text::bigint)`,
  )
  assert.equal(
    rows.map(({ batch }) => Number(batch)),
    [0, 1, 2, 3, 4],
  )
})

onServers('rejected lines are kept with their reasons in the same transaction, one of a megabyte included', async (ground) => {
  const store = await ground.run()
  const writer = ground.closing(await store.writer())
  const long = Buffer.alloc(1_500_000, 'z')
  const receipt = await writer.write([chunkOf([line(0), 'no record', long, Buffer.from([0xff, 0xfe]), '', line(5)], 0)])
  assert.equal(
    receipt.map(({ first, count, fate }) => [first, count, fate]),
    [
      [0, 1, 'stored'],
      [1, 1, 'rejected'],
      [2, 1, 'rejected'],
      [3, 1, 'rejected'],
      [4, 1, 'rejected'],
      [5, 1, 'stored'],
    ],
  )
  const kept = []
  for await (const reject of store.rejected()) kept.push(reject)
  assert.equal(
    kept.map(({ position, reason, length }) => [position, reason, length]),
    receipt.filter(({ fate }) => fate === 'rejected').map(({ first, reason }, i) => [first, reason, [9, 1_500_000, 2, 0][i]]),
  )
  assert.equal(
    kept.map((reject) => Buffer.from(reject.line).length),
    [9, keptLineBytes, 2, 0],
  )
  assert.equal([...(kept[2]?.line ?? [])], [0xff, 0xfe])
  const client = await ground.client()
  const { schema } = store.address
  assert.is(
    await numberOf(
      client,
      `SELECT count(DISTINCT x) FROM (SELECT xmin::text x FROM ${schema}.nginx_logfile_row UNION ALL SELECT xmin::text FROM ${schema}.nginx_logfile_reject) t`,
    ),
    1,
  )
})

onServers('months turn up in the middle of a batch, in several writers at once', async (ground) => {
  const store = await ground.run()
  const writers = await Promise.all([0, 1, 2].map(async (index) => ground.closing(await store.writer({ index }))))
  const months = ['Feb', 'Mar', 'Apr', 'Dec']
  await Promise.all(
    writers.map((writer, index) =>
      writer.write([
        linesFrom(index * 1_000, 10),
        ...months.map((month, m) => linesFrom(index * 1_000 + 100 * (m + 1), 10, `28/${month}/2026:23:59:59 +0000`)),
      ]),
    ),
  )
  const client = await ground.client()
  assert.is(await rowsOf(client, store), 150)
  const partitions = await store.partitions()
  assert.is(partitions.length, 20)
  assert.is(
    partitions.reduce((sum, { rows }) => sum + rows, 0),
    150,
  )
})

onServers('a batch that fails leaves nothing of itself, and the next one works', async (ground) => {
  const store = await ground.run()
  const writer = ground.closing(await store.writer())
  await writer.write([linesFrom(70_000, 1)])
  const client = await ground.client()
  // The row that conflicts lies in the second part of the batch.
  for (const batch of [largeBatch(0), [linesFrom(69_995, 10)]]) {
    const following = linesFrom(1_000_000 + batch.length, 5)
    const [failed, next] = await Promise.all([failure(writer.write(batch)), writer.write([following])])
    assert.instance(failed, PostgresError)
    assert.match(failed.message, /duplicate key/)
    assert.is(next.length, 1)
    assert.is(await rowsOf(client, store, 'position < 1000000'), 1)
  }
  assert.is(await rowsOf(client, store), 11)
})

onServers('a batch whose second part cannot be encoded leaves nothing of its first', async (ground) => {
  const store = await ground.run()
  const writer = ground.closing(await store.writer())
  const [last] = [linesFrom(80_000, 10)]
  const failed = await failure(writer.write([...largeBatch(0), { ...last, count: 12 }]))
  assert.match(failed.message, /says it has 12 lines/)
  await writer.write([linesFrom(200_000, 7)])
  assert.is(await rowsOf(await ground.client(), store), 7)
})

onServers('a connection that is cut takes its batch with it, and the next one opens another', async (ground) => {
  const store = await ground.run()
  const writer = ground.closing(await store.writer())
  await writer.write([linesFrom(0, 1)])
  const client = await ground.client()
  const { schema } = store.address
  // A lock holds the writer in the middle of its batch, so that it is cut there and nowhere else.
  const lock = await ground.client()
  for (const batch of [[linesFrom(10, 4_000)], largeBatch(100_000)]) {
    await lock.query(`BEGIN; LOCK TABLE ${schema}.nginx_logfile_row_2026_01_p3 IN EXCLUSIVE MODE`)
    const failing = failure(writer.write(batch))
    const waiting = `SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%${schema}%' AND pid <> pg_backend_pid()`
    const pid = await until(() => numberOf(client, waiting))
    await client.query('SELECT pg_terminate_backend($1)', [pid])
    const failed = await failing
    assert.ok(failed instanceof InDoubtError || failed instanceof PostgresError, String(failed))
    assert.match(failed.message, /terminat/)
    await lock.query('ROLLBACK')
    await client.query('SELECT 1')
    assert.is(await rowsOf(client, store, 'position >= 10 AND position < 1000000'), 0)
  }
  await writer.write([linesFrom(1_000_000, 5)])
  assert.is(await rowsOf(client, store), 6)
})

onServers('a connection that is cut between the parts of a batch does not let the rest be committed', async (ground) => {
  const store = await ground.run()
  const client = await ground.client()
  // With a single arena the parts are encoded one after the other, with the connection idle in its transaction meanwhile:
  // for as long as this lock keeps the last part's month from being made.
  const writer = ground.closing(await store.writer({ ahead: 0 }))
  const batch = [...largeBatch(0), linesFrom(80_000, 10, '15/Mar/2026:10:00:00 +0000')]
  const lock = await ground.client()
  await lock.query('BEGIN')
  await lock.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [store.address.schema])
  const own = `SELECT pid FROM pg_stat_activity WHERE state = 'idle in transaction' AND query LIKE '%${store.address.schema}%'`
  const waiting = `SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted`
  const failing = failure(writer.write(batch))
  await until(async () => ((await numberOf(client, waiting)) > 0 ? 1 : Number.NaN))
  const pid = await until(() => numberOf(client, own))
  await client.query('SELECT pg_terminate_backend($1)', [pid])
  await lock.query('ROLLBACK')
  const failed = await failing
  assert.ok(failed instanceof InDoubtError || failed instanceof PostgresError, String(failed))
  assert.is(await rowsOf(client, store), 0)
})

/** Asks again until the answer is a number. */
async function until(ask: () => Promise<number>): Promise<number> {
  for (let tries = 0; tries < 20_000; tries++) {
    const answer = await ask()
    if (!Number.isNaN(answer)) return answer
  }
  throw new Error('what was waited for did not happen')
}

/** A receipt with neighbours of one fate put together: the borders of parts are of no interest. */
function joined(receipt: Receipt) {
  const together: { source: number; first: number; count: number; fate: string }[] = []
  for (const { source, first, count, fate } of receipt) {
    const before = together.at(-1)
    if (before !== undefined && before.fate === fate && before.first + before.count === first) before.count += count
    else together.push({ source, first, count, fate })
  }
  return together
}

test.run()
