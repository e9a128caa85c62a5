/** The Native encoder and the digester against ClickHouse itself: what the kernel writes, the engine stores and gives back. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { Digester } from './digester.js'
import { Encoder } from './encoder.js'
import { chunkOf, encodeAll } from './encoder.testing.js'
import { NativeEncoder } from './native-encoder.js'
import { bytesOf } from './native-encoder.testing.js'
import type { Chunk } from './record.js'
import { createdAtIso } from './tuples.js'

const chdb = await import('chdb').catch(() => undefined)

const names = ['stores what the lines say, whatever types the table has', 'gives back, as RowBinary, what the audit expects']
if (chdb === undefined) {
  for (const name of names) test.skip(`${name} (needs chdb)`, () => undefined)
} else {
  const count = 20_000
  const addresses = ['10.0.0.1', '::ffff:10.0.0.2', '2001:db8::3', '::', '255.255.255.255']
  const lines = Array.from({ length: count }, (_, i) => {
    if (i % 40 === 39) return i % 80 === 39 ? Buffer.from([0xff, i % 256 === 10 ? 11 : i % 256, 0]) : 'x'.repeat(i)
    const month = ['Jan', 'May', 'Dec'][i % 3]
    const request = i % 19 === 0 ? '-' : `GET /${'é'.repeat(i % 200)} HTTP/1.1`
    const size = i % 3 === 0 ? '-' : `${i}${'0'.repeat(i % 12)}`
    const agent = i % 5 === 0 ? '-' : i % 5 === 1 ? '' : `Mozilla/5.0 \t'\\"${i}`
    return Buffer.from(
      `${addresses[i % 5]} - ${i % 4 === 0 ? '-' : `u ${i}`} [28/${month}/${1975 + ((i >> 2) % 3) * 62}:10:05:03 +0000] "${request}" ${100 + (i % 900)} ${size} "r" "${agent}"`,
    )
  })
  const chunk: Chunk = chunkOf(lines, 5, 3)
  const tuples = new Encoder({
    format: 'combined',
    partitionKey: 'id',
    partitions: 1,
    arenaBytes: 64_000_000,
    arenas: 1,
    mappedAddresses: 'alike',
  })
  const expected = encodeAll(tuples, [chunk])

  const folder = mkdtempSync(join(tmpdir(), 'weir-native-'))
  const session = new chdb.Session(join(folder, 'data'))
  test.after(() => {
    session.cleanup()
    rmSync(folder, { recursive: true, force: true })
  })

  /** Makes the tables, encodes the lines and inserts every block, a small arena at a time. */
  const fill = (createdAtType: string, remoteAddrType: 'IPv6' | 'FixedString(16)') => {
    session.query('CREATE DATABASE IF NOT EXISTS weir')
    session.query('DROP TABLE IF EXISTS weir.log')
    session.query('DROP TABLE IF EXISTS weir.rejects')
    session.query(
      `CREATE TABLE weir.log (source Int32, position Int64, created_at ${createdAtType}, remote_addr ${remoteAddrType}, remote_user String,
       method String, path String, protocol String, status Int16, bytes Nullable(Int64), referrer Nullable(String), user_agent Nullable(String))
       ENGINE = MergeTree PARTITION BY toYYYYMM(created_at) ORDER BY position`,
    )
    session.query(
      'CREATE TABLE weir.rejects (source Int32, position Int64, reason String, length Int32, line String) ENGINE = MergeTree ORDER BY position',
    )
    const encoder = new NativeEncoder({ format: 'combined', arenaBytes: 16_000_000, arenas: 1, createdAtType, remoteAddrType })
    const insert = (table: string, blocks: readonly Buffer[]) => {
      const file = join(folder, 'blocks.native')
      writeFileSync(file, Buffer.concat(blocks))
      session.query(
        `INSERT INTO weir.${table} SELECT * FROM file('${file}', 'Native') SETTINGS max_partitions_per_insert_block = 0, max_insert_threads = 1`,
      )
    }
    for (let line = 0; line < chunk.count; ) {
      encoder.begin(0)
      line += encoder.encode(0, chunk, line).lines
      insert('log', encoder.blocks(0).map(bytesOf))
      insert('rejects', [bytesOf(encoder.rejects(0))])
    }
  }

  test(names[0] ?? '', () => {
    for (const [createdAtType, remoteAddrType] of [
      ['DateTime', 'IPv6'],
      ["DateTime('UTC')", 'FixedString(16)'],
    ] as const) {
      fill(createdAtType, remoteAddrType)
      const address = remoteAddrType === 'IPv6' ? 'toString(remote_addr)' : 'IPv6NumToString(remote_addr)'
      const rows = session
        .query(
          `SELECT source, toString(position), toUnixTimestamp(created_at), ${address}, remote_user, method, path, protocol, status,
           toString(bytes), referrer, user_agent FROM weir.log ORDER BY position`,
          'JSONCompactEachRow',
        )
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown[])
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
      const rejects = session
        .query('SELECT source, toInt32(position), reason, length, hex(line) FROM weir.rejects ORDER BY position', 'JSONCompactEachRow')
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown[])
      assert.equal(
        rejects,
        expected.rejects.map(({ source, position, reason, length, line }) => [
          source,
          position,
          reason,
          length,
          line.toString('hex').toUpperCase(),
        ]),
      )
    }
  })

  test(names[1] ?? '', async () => {
    fill('DateTime', 'IPv6')
    const reconcile = async () => {
      const audit = new Digester({ source: 3, first: 5, length: count, encoding: 'row-binary' }, tuples.kernel)
      tuples.begin(0)
      tuples.encode(0, chunk)
      audit.expect(tuples, 0)
      for (const { month } of tuples.leaves(0)) {
        const { length } = audit.bad()
        assert.ok(length > 0)
        const rows = await session.queryAsync(`SELECT * FROM weir.log WHERE toYYYYMM(created_at) = ${month.replace('-', '')}`, {
          format: 'RowBinary',
        })
        audit.foundWire(rows.bytes(), { month, remainder: 0 })
        audit.endWire()
      }
      const rejects = await session.queryAsync('SELECT * FROM weir.rejects', { format: 'RowBinary' })
      audit.foundWire(rejects.bytes(), undefined, 'rejects')
      audit.endWire()
      assert.equal(audit.unexpected(), { total: 0, records: [] })
      return audit.bad(1)
    }
    assert.equal(await reconcile(), [])
    session.query("INSERT INTO weir.log SELECT * REPLACE('/elsewhere' AS path) FROM weir.log WHERE position = 100")
    session.query('DELETE FROM weir.log WHERE position = 200')
    session.query('DELETE FROM weir.rejects WHERE position = 5 + 39')
    assert.equal(
      await reconcile(),
      [44, 100, 200].map((from) => ({ from, to: from + 1 })),
    )
  })
}

/** An IPv6 address in the one spelling that the platform gives it. */
function hostname(address: string): string {
  return new URL(`http://[${address}]`).hostname
}

test.run()
