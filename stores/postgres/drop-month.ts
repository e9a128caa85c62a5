/** Drops a month with all its rows while others go on writing. */
import { performance } from 'node:perf_hooks'
import type { Client } from 'pg'
import type { DroppedMonth } from '../store.js'
import { monthTable, rowTable } from './layout.js'
import { id, sql } from './sql.js'

/** How a month's table hangs on the row table: `pending` is what a broken connection leaves of a DETACH ... CONCURRENTLY. */
type State = 'attached' | 'pending' | 'apart' | 'absent'

/**
 * Detaches the month and then drops it. DETACH ... CONCURRENTLY lets writers go on: it waits for the transactions that are
 * under way on the row table, holding no lock that they or later ones need. A plain DETACH or DROP asks for the row table's
 * ACCESS EXCLUSIVE lock instead, behind which every later transaction queues until all earlier ones are through; in the
 * middle of a transaction that has already written it may deadlock. Once the month is apart nobody has it open, so that
 * counting and dropping wait for nobody.
 *
 * Needs a connection of its own: the statement cannot be part of a transaction, and whoever shared the connection would wait too.
 * A month that an earlier attempt left half detached is finished.
 */
export async function dropMonth(client: Client, schema: string, month: string): Promise<DroppedMonth> {
  const parent = id(schema, rowTable)
  const table = id(schema, monthTable(month))
  const stepsMs: Record<string, number> = {}
  const step = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    const begin = performance.now()
    const done = await work()
    stepsMs[name] = performance.now() - begin
    return done
  }
  const state = await stateOf(client, parent.text, table.text)
  if (state === 'absent') return { rows: 0, bytes: 0 }
  if (state === 'attached') await step('detach', () => client.query(sql`ALTER TABLE ${parent} DETACH PARTITION ${table} CONCURRENTLY`.text))
  if (state === 'pending') await step('detach', () => client.query(sql`ALTER TABLE ${parent} DETACH PARTITION ${table} FINALIZE`.text))
  const { rows } = await step('count', () =>
    client.query<{ rows: number; positions: string; bytes: number }>(
      sql`SELECT count(*)::float8 AS rows, (coalesce(sum(position), 0) % 18446744073709551616)::text AS positions,
          (SELECT coalesce(sum(pg_total_relation_size(relid)), 0) FROM pg_partition_tree(to_regclass($1)) WHERE isleaf)::float8 AS bytes
        FROM ${table}`.text,
      [table.text],
    ),
  )
  await step('drop', () => client.query(sql`DROP TABLE ${table}`.text))
  const [{ rows: count, positions, bytes } = { rows: 0, positions: '0', bytes: 0 }] = rows
  return { rows: count, positions, bytes, stepsMs }
}

async function stateOf(client: Client, parent: string, table: string): Promise<State> {
  const { rows } = await client.query<{ there: boolean; pending: boolean | null }>(
    `SELECT to_regclass($2) IS NOT NULL AS there,
       (SELECT inhdetachpending FROM pg_inherits WHERE inhrelid = to_regclass($2) AND inhparent = to_regclass($1)) AS pending`,
    [parent, table],
  )
  const [found] = rows
  if (found?.there !== true) return 'absent'
  if (found.pending === null) return 'apart'
  return found.pending ? 'pending' : 'attached'
}
