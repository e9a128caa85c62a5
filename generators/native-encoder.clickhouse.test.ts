/** The Native encoder and the digester against ClickHouse itself: what the kernel writes, the engine stores and gives back. */
import { randomBytes } from 'node:crypto'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { ClickHouseEngine } from './clickhouse-engine.testing.js'
import { embeddedEngine, givenEngine } from './clickhouse-engine.testing.js'
import { Digester } from './digester.js'
import { Encoder } from './encoder.js'
import { chunkOf, encodeAll } from './encoder.testing.js'
import { NativeEncoder } from './native-encoder.js'
import { bytesOf } from './native-encoder.testing.js'
import { createdAtIso } from './tuples.js'

const count = 20_000
const addresses = ['10.0.0.1', '::ffff:10.0.0.2', '2001:db8::3', '::', '255.255.255.255']
const lines = Array.from({ length: count }, (_, i) => {
  if (i % 40 === 39) return i % 80 === 39 ? Buffer.from([0xff, i % 256 === 10 ? 11 : i % 256, 0]) : 'x'.repeat(i)
  const date = `28/${['Jan', 'May', 'Dec'][i % 3]}/${1975 + ((i >> 2) % 3) * 62}`
  const request = i % 19 === 0 ? '-' : `GET /${'é'.repeat(i % 200)} HTTP/1.1`
  const size = i % 3 === 0 ? '-' : `${i}${'0'.repeat(i % 12)}`
  const agent = i % 5 === 0 ? '-' : i % 5 === 1 ? '' : `Mozilla/5.0 \t'\\"${i}`
  const user = i % 4 === 0 ? '-' : `u ${i}`
  return Buffer.from(`${addresses[i % 5]} - ${user} [${date}:10:05:03 +0000] "${request}" ${100 + (i % 900)} ${size} "r" "${agent}"`)
})
const chunk = chunkOf(lines, 5, 3)
const tuples = new Encoder({
  format: 'combined',
  partitionKey: 'id',
  partitions: 1,
  arenaBytes: 64_000_000,
  arenas: 1,
  mappedAddresses: 'alike',
})
const expected = encodeAll(tuples, [chunk])

/** Makes tables in a database of their own, encodes the lines and inserts every block, an arena at a time. */
async function fill(engine: ClickHouseEngine, createdAtType: string, remoteAddrType: 'IPv6' | 'FixedString(16)'): Promise<string> {
  const database = `weir_native_${randomBytes(4).toString('hex')}`
  await engine.run(`CREATE DATABASE ${database}`)
  await engine.run(
    `CREATE TABLE ${database}.log (source Int32, position Int64, created_at ${createdAtType}, remote_addr ${remoteAddrType},
     remote_user String, method String, path String, protocol String, status Int16, bytes Nullable(Int64), referrer Nullable(String),
     user_agent Nullable(String)) ENGINE = MergeTree PARTITION BY toYYYYMM(created_at) ORDER BY position`,
  )
  await engine.run(
    `CREATE TABLE ${database}.rejects (source Int32, position Int64, reason String, length Int32, line String)
     ENGINE = MergeTree ORDER BY position`,
  )
  const encoder = new NativeEncoder({ format: 'combined', arenaBytes: 4_000_000, arenas: 1, createdAtType, remoteAddrType })
  for (let line = 0; line < chunk.count; ) {
    encoder.begin(0)
    line += encoder.encode(0, chunk, line).lines
    await engine.insertNative(`${database}.log`, Buffer.concat(encoder.blocks(0).map(bytesOf)))
    await engine.insertNative(`${database}.rejects`, bytesOf(encoder.rejects(0)))
  }
  return database
}

async function storesWhatTheLinesSay(engine: ClickHouseEngine, createdAtType: string, remoteAddrType: 'IPv6' | 'FixedString(16)') {
  const database = await fill(engine, createdAtType, remoteAddrType)
  const address = remoteAddrType === 'IPv6' ? 'toString(remote_addr)' : 'IPv6NumToString(remote_addr)'
  const rows = await engine.rows(
    `SELECT source, toString(position), toUnixTimestamp(created_at), ${address}, remote_user, method, path, protocol, status,
     toString(bytes), referrer, user_agent FROM ${database}.log ORDER BY position`,
  )
  assert.is(rows.length, expected.rows.length)
  for (const [index, row] of expected.rows.entries()) {
    const [source, position, createdAt, text, ...others] = rows[index] ?? []
    assert.equal(
      [source, position, new Date(Number(createdAt) * 1000).toISOString(), hostname(String(text)), ...others],
      [
        row.source,
        String(row.position),
        createdAtIso(row.createdAt),
        hostname(row.remoteAddr.includes(':') ? row.remoteAddr : `::ffff:${row.remoteAddr}`),
        row.remoteUser,
        row.method,
        row.path,
        row.protocol,
        row.status,
        row.bytes === null ? null : String(row.bytes),
        row.referrer,
        row.userAgent,
      ],
    )
  }
  assert.equal(
    await engine.rows(`SELECT source, toInt32(position), reason, length, lower(hex(line)) FROM ${database}.rejects ORDER BY position`),
    expected.rejects.map(({ source, position, reason, length, line }) => [source, position, reason, length, line.toString('hex')]),
  )
  await engine.run(`DROP DATABASE ${database}`)
}

async function givesBackWhatIsExpected(engine: ClickHouseEngine, createdAtType: string, remoteAddrType: 'IPv6' | 'FixedString(16)') {
  const database = await fill(engine, createdAtType, remoteAddrType)
  tuples.begin(0)
  assert.is(tuples.encode(0, chunk).lines, count)
  /** What does not reconcile when a column is read as this, and only these rows are. */
  const reconcile = async (path: string, where: string) => {
    const audit = new Digester({ source: 3, first: 5, length: count, encoding: 'row-binary' }, tuples.kernel)
    audit.expect(tuples, 0)
    for (const { month } of tuples.leaves(0)) {
      const rows = await engine.rowBinary(
        `SELECT source, position, created_at, remote_addr, remote_user, method, ${path}, protocol, status, bytes, referrer, user_agent
         FROM ${database}.log WHERE toYYYYMM(created_at) = ${month.replace('-', '')} AND ${where}`,
      )
      audit.foundWire(rows, { month, remainder: 0 })
      audit.endWire()
    }
    audit.foundWire(await engine.rowBinary(`SELECT * FROM ${database}.rejects WHERE ${where}`), undefined, 'rejects')
    audit.endWire()
    assert.equal(audit.unexpected(), { total: 0, records: [] })
    return audit.bad(1)
  }
  assert.equal(await reconcile('path', '1'), [])
  assert.equal(
    await reconcile("if(position = 100, concat(path, '/'), path)", 'position NOT IN (44, 200)'),
    [44, 100, 200].map((from) => ({ from, to: from + 1 })),
  )
  await engine.run(`DROP DATABASE ${database}`)
}

for (const [needed, engine] of [
  ['chdb', await embeddedEngine()],
  ['WEIR_TEST_CLICKHOUSE', await givenEngine()],
] as const) {
  if (engine === undefined) {
    test.skip(`a ClickHouse engine stores and gives back what the kernel writes (needs ${needed})`, () => undefined)
    continue
  }
  for (const [createdAtType, remoteAddrType] of [
    ...(engine.ipv6 ? ([['DateTime', 'IPv6']] as const) : []),
    ["DateTime('UTC')", 'FixedString(16)'],
  ] as const) {
    const types = `${createdAtType} and ${remoteAddrType}`
    test(`${engine.name} stores what the lines say, as ${types}`, () => storesWhatTheLinesSay(engine, createdAtType, remoteAddrType))
    test(`${engine.name} gives back, as ${types}, what an audit expects`, () =>
      givesBackWhatIsExpected(engine, createdAtType, remoteAddrType))
  }
  test.after(() => engine.close())
}

/** An IPv6 address in the one spelling that the platform gives it. */
function hostname(address: string): string {
  return new URL(`http://[${address}]`).hostname
}

test.run()
