/** Asks a server whether its hash partitioning is the one that the kernel computes. */
import { randomBytes } from 'node:crypto'
import type pg from 'pg'
import { Encoder, minArenaBytes } from '../../generators/encoder.js'
import type { StoreAddress } from '../store.js'
import { keyColumn, rowTable } from './layout.js'
import { id, sql } from './sql.js'

const values = 32
/** The values of each key, as the lines below have them. */
const keys = {
  id: '(1000000 + i)::bigint',
  address: "('10.' || i || '.0.' || i * 3)::inet",
  user: "'user' || i",
  path: "'/path/' || i",
}

/** Compares where a few values of the key would go. Makes an empty table for it, in a transaction that is rolled back. */
export async function routesAlike(client: pg.Client, { schema, layout }: StoreAddress): Promise<boolean> {
  const { partitionKey, partitions } = layout
  const probe = new Encoder({ format: 'combined', ...layout, arenaBytes: minArenaBytes, arenas: 1 })
  probe.addMonth('2026-01')
  const lines = Array.from(
    { length: values },
    (_, i) => `10.${i}.0.${i * 3} - user${i} [01/Jan/2026:00:00:00 +0000] "GET /path/${i} HTTP/1.1" 200 ${i} "-" "-"\n`,
  )
  probe.encode(0, { source: 1, first: 1e6, count: values, lines: Buffer.from(lines.join('')) })
  const counts = new Map(probe.leaves(0).map(({ remainder, rows }) => [remainder, rows]))

  const table = id(schema, `weir_probe_${randomBytes(4).toString('hex')}`)
  await client.query('BEGIN')
  try {
    await client.query(sql`CREATE TABLE ${table} (LIKE ${id(schema, rowTable)}) PARTITION BY HASH (${id(keyColumn(partitionKey))})`.text)
    const { rows } = await client.query<{ remainder: number; rows: number }>(
      `SELECT r AS remainder, count(*)::int AS rows FROM generate_series(0, $3::int - 1) i, generate_series(0, $2::int - 1) r
       WHERE satisfies_hash_partition(to_regclass($1), $2::int, r, ${keys[partitionKey]}) GROUP BY r`,
      [table.text, partitions, values],
    )
    return rows.length === counts.size && rows.every((row) => counts.get(row.remainder) === row.rows)
  } finally {
    await client.query('ROLLBACK')
  }
}
