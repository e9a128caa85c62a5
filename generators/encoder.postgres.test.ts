/** The encoder against a live Postgres: leaves take the tuples that were routed to them, and every column reads back as it was logged. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { Digester } from './digester.js'
import { copyHeader, copyTrailer, Encoder } from './encoder.js'
import { chunkOf } from './encoder.testing.js'
import type { Chunk, PartitionKey } from './record.js'
import { partitionKeys } from './record.js'

const url = process.env['WEIR_TEST_POSTGRES']
const partitions = 5

/** The part of a pg client's connection that a COPY needs. */
interface CopyConnection {
  query(text: string): void
  endCopyFrom(): void
  sendCopyFail(message: string): void
  readonly stream: { write(bytes: Uint8Array): boolean }
}

/** A COPY whose CopyData messages are written to the socket as they are, or received as they are. */
class Copy {
  readonly done: Promise<void>
  /** CopyData messages that came back, headers included. */
  readonly received: Buffer[] = []
  private finish: (error?: Error) => void = () => undefined

  constructor(
    private readonly sql: string,
    private readonly messages: readonly Uint8Array[] = [],
  ) {
    this.done = new Promise((resolve, reject) => {
      this.finish = (error) => (error ? reject(error) : resolve())
    })
  }

  submit(connection: CopyConnection): void {
    connection.query(this.sql)
  }

  handleCopyInResponse(connection: CopyConnection): void {
    for (const message of this.messages) connection.stream.write(message)
    connection.endCopyFrom()
  }

  handleCopyData({ chunk }: { readonly chunk: Buffer }): void {
    const header = Buffer.alloc(5, 'd')
    header.writeInt32BE(chunk.length + 4, 1)
    this.received.push(header, Buffer.from(chunk))
  }

  handleCommandComplete(): void {}

  handleError(error: Error): void {
    this.finish(error)
  }

  handleReadyForQuery(): void {
    this.finish()
  }
}

async function copy(client: pg.Client, sql: string, messages: readonly Uint8Array[] = []): Promise<Uint8Array> {
  const request = new Copy(sql, messages)
  client.query(request as unknown as pg.Submittable)
  await request.done
  return Buffer.concat(request.received)
}

const hashed: Record<PartitionKey, string> = { id: 'position', address: 'remote_addr', user: 'remote_user', path: 'path' }

const columns = `source int4 NOT NULL, position int8 NOT NULL, created_at timestamptz NOT NULL, remote_addr inet NOT NULL,
  remote_user text NOT NULL, method text NOT NULL, path text NOT NULL, protocol text NOT NULL, status int2 NOT NULL, bytes int8,
  referrer text, user_agent text`

/** Makes the tables of a run in a temporary schema; dropped with the connection's transaction. */
async function prepare(client: pg.Client, key: PartitionKey, months: readonly string[]): Promise<void> {
  await client.query('CREATE SCHEMA weir_encoder_test')
  await client.query('SET LOCAL search_path = weir_encoder_test')
  await client.query(`CREATE TABLE rows (${columns}) PARTITION BY RANGE (created_at)`)
  await client.query('CREATE TABLE rejects (source int4, position int8, reason text, length int4, line bytea)')
  for (const month of months) {
    const leaf = `rows_${month.replace('-', '_')}`
    const next = new Date(`${month}-01T00:00:00Z`)
    next.setUTCMonth(next.getUTCMonth() + 1)
    await client.query(
      `CREATE TABLE ${leaf} PARTITION OF rows FOR VALUES FROM ('${month}-01T00:00:00Z') TO ('${next.toISOString()}') PARTITION BY HASH (${hashed[key]})`,
    )
    for (let remainder = 0; remainder < partitions; remainder++) {
      await client.query(
        `CREATE TABLE ${leaf}_${remainder} PARTITION OF ${leaf} FOR VALUES WITH (MODULUS ${partitions}, REMAINDER ${remainder})`,
      )
    }
  }
}

async function inTransaction(body: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query('BEGIN')
    await body(client)
  } finally {
    await client.query('ROLLBACK')
    await client.end()
  }
}

function encode(encoder: Encoder, chunk: Chunk): void {
  encoder.begin(0)
  for (let line = 0; line < chunk.count; ) {
    const { lines, full, unknownMonth } = encoder.encode(0, chunk, line)
    assert.not(full)
    line += lines
    if (unknownMonth) encoder.addMonth(unknownMonth)
  }
}

/** Lines whose keys have every length, with addresses of both families and months on both sides of a year's end. */
function variedLines(): Buffer[] {
  return Array.from({ length: 3_000 }, (_, index) => {
    const address =
      index % 3 === 0
        ? `2001:db8::${(index * 7919).toString(16).slice(-4)}:${index}`
        : `${index % 256}.${(index * 7) % 256}.0.${(index * 31) % 256}`
    const text = Array.from({ length: index % 40 }, (_, at) => 'abcdé/%ü漢😀'.at((index + at) % 8) ?? '').join('')
    const user = index % 4 === 0 ? '-' : `u${text}`
    const date = index % 2 === 0 ? '31/Dec/2023:23:30:00 -0100' : '31/Dec/2023:23:30:00 +0000'
    return Buffer.from(
      `${address} - ${user} [${date}] "GET /${text} HTTP/1.1" ${100 + (index % 900)} ${index % 5 === 0 ? '-' : index} "-" "${text}"`,
    )
  })
}

if (!url) {
  test.skip('Postgres takes what was routed and reads back what was logged (needs WEIR_TEST_POSTGRES)', () => {})
} else {
  for (const key of partitionKeys) {
    test(`Postgres takes rows routed by ${key} into the leaves that they were routed to`, async () => {
      const chunk = chunkOf([...variedLines(), 'no record', 'x'.repeat(2_000_000)], 2 ** 33, -5)
      const encoder = new Encoder({ format: 'combined', partitionKey: key, partitions, arenaBytes: 8_000_000, arenas: 1 })
      encode(encoder, chunk)
      assert.equal(encoder.months(), ['2023-12', '2024-01'])
      await inTransaction(async (client) => {
        await prepare(client, key, encoder.months())
        const leaves = encoder.leaves(0)
        for (const { month, remainder, segments } of leaves) {
          // A leaf checks that each row belongs to it.
          await copy(client, `COPY rows_${month.replace('-', '_')}_${remainder} FROM STDIN (FORMAT binary)`, [
            copyHeader,
            ...segments,
            copyTrailer,
          ])
        }
        assert.is(leaves.length, partitions * 2)
        await copy(client, 'COPY rejects FROM STDIN (FORMAT binary)', [copyHeader, ...encoder.rejects(0).segments, copyTrailer])
        const rejects = await client.query(
          'SELECT source, position, reason, length, octet_length(line) AS kept FROM rejects ORDER BY position',
        )
        assert.equal(
          rejects.rows.map((row) => Object.values(row)),
          [
            [-5, String(2 ** 33 + 3_000), 'bad address', 9, 9],
            [-5, String(2 ** 33 + 3_001), 'line too long', 2_000_000, 1_048_576],
          ],
        )

        // The way back: the same tuples, as the server sends them, reconcile.
        const digester = new Digester({ source: -5, first: 2 ** 33, length: chunk.count })
        digester.expect(encoder, 0)
        for (const { month, remainder } of leaves) {
          const wire = await copy(client, `COPY rows_${month.replace('-', '_')}_${remainder} TO STDOUT (FORMAT binary)`)
          for (let at = 0; at < wire.length; at += 1_000) digester.foundWire(wire.subarray(at, at + 1_000), { month, remainder })
        }
        digester.foundWire(await copy(client, 'COPY rejects TO STDOUT (FORMAT binary)'), undefined)
        assert.equal(digester.bad(), [])
        assert.is(digester.foundTuples, chunk.count)
      })
    })
  }

  test('Postgres reads back every column as it was logged', async () => {
    const log = join(process.env['WEIR_REAL_LOGS'] ?? '', 'apache-combined-10k.log')
    const real = process.env['WEIR_REAL_LOGS'] && existsSync(log) ? readFileSync(log, 'utf8').trimEnd().split('\n') : []
    const lines = [...variedLines(), ...real.map((line) => Buffer.from(line))]
    const encoder = new Encoder({ format: 'combined', partitionKey: 'id', partitions, arenaBytes: 16_000_000, arenas: 1, routed: false })
    encode(encoder, chunkOf(lines))
    await inTransaction(async (client) => {
      await prepare(client, 'id', ['2015-05', '2023-12', '2024-01'])
      const messages = encoder.leaves(0).flatMap(({ segments }) => segments)
      await copy(client, 'COPY rows FROM STDIN (FORMAT binary)', [copyHeader, ...messages, copyTrailer])
      const { rows } = await client.query<{ position: string; line: string }>(`
        SELECT position, host(remote_addr) || ' - ' || coalesce(nullif(remote_user, ''), '-')
          || to_char(created_at AT TIME ZONE 'UTC', ' [DD/Mon/YYYY:HH24:MI:SS +0000] ')
          || '"' || concat_ws(' ', nullif(method, ''), path, nullif(protocol, '')) || '" ' || status || ' ' || coalesce(bytes::text, '-')
          || ' "' || coalesce(referrer, '-') || '" "' || coalesce(user_agent, '-') || '"' AS line
        FROM rows`)
      assert.is(rows.length, 3_000 + Math.max(0, real.length - 1))
      for (const { position, line } of rows) {
        const expected = String(lines[Number(position)])
          .replace('31/Dec/2023:23:30:00 -0100', '01/Jan/2024:00:30:00 +0000')
          // The server writes an IPv6 address in its shortest form.
          .replace(/^\S*:\S*/, (address) => new URL(`http://[${address}]`).hostname.slice(1, -1))
        assert.is(line, expected)
      }
    })
  })
}

test.run()
