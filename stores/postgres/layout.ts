/** How a run lies in Postgres: month ranges of created_at, each split by hash, with the tables beside them. */
import type { Client } from 'pg'
import { type Layout, type PartitionKey, rowColumns } from '../store.js'
import { id, list, Sql, sql } from './sql.js'

export const rowTable = 'nginx_logfile_row'
export const rejectTable = 'nginx_logfile_reject'
export const logfileTable = 'nginx_logfile'
export const memoryTable = 'weir_run'
/** Raised by the function that settles a claim when the claim was lost. */
export const claimLost = 'WE001'

const keyColumns = { id: 'position', address: 'remote_addr', user: 'remote_user', path: 'path' } as const

/** The column whose hash splits a month. */
export function keyColumn(key: PartitionKey): string {
  return keyColumns[key]
}

export const rowColumnList: Sql = list(rowColumns.map((column) => id(column)))
export const rejectColumns = ['source', 'position', 'reason', 'length', 'line'] as const
export const rejectColumnList: Sql = list(rejectColumns.map((column) => id(column)))

export function monthTable(month: string): string {
  return `${rowTable}_${month.replace('-', '_')}`
}

export function leafTable(month: string, remainder: number): string {
  return `${monthTable(month)}_p${remainder}`
}

/** All tables of a run but the months. A unique key has to contain the partition columns, so identity alone cannot be one. */
function createTables(schema: string, layout: Layout): Sql {
  const key = keyColumn(layout.partitionKey)
  const primary = key === 'position' ? [] : [id(key)]
  return sql`
    CREATE SCHEMA ${id(schema)};
    CREATE TABLE ${id(schema, rowTable)} (
      source int NOT NULL,
      position bigint NOT NULL,
      created_at timestamptz NOT NULL,
      remote_addr inet NOT NULL,
      remote_user text NOT NULL,
      method text NOT NULL,
      path text NOT NULL,
      protocol text NOT NULL,
      status smallint NOT NULL,
      bytes bigint,
      referrer text,
      user_agent text,
      PRIMARY KEY (${list([id('source'), id('position'), id('created_at'), ...primary])})
    ) PARTITION BY RANGE (created_at);
    CREATE TABLE ${id(schema, rejectTable)} (
      source int NOT NULL,
      position bigint NOT NULL,
      reason text NOT NULL,
      length int NOT NULL,
      line bytea NOT NULL,
      PRIMARY KEY (source, position)
    );
    CREATE TABLE ${id(schema, logfileTable)} (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      source int NOT NULL,
      first bigint NOT NULL,
      count int NOT NULL,
      path text NOT NULL,
      state text NOT NULL DEFAULT 'new' CHECK (state IN ('new', 'claimed', 'done')),
      version int NOT NULL DEFAULT 0,
      owner text,
      lease_until timestamptz,
      UNIQUE (source, first)
    );
    CREATE INDEX ON ${id(schema, logfileTable)} (id) WHERE state <> 'done';
    CREATE TABLE ${id(schema, memoryTable)} (
      one boolean PRIMARY KEY DEFAULT true CHECK (one),
      created_at timestamptz NOT NULL DEFAULT now(),
      memory jsonb
    );
    INSERT INTO ${id(schema, memoryTable)} DEFAULT VALUES;
    CREATE FUNCTION ${id(schema, 'settle_claim')}(file bigint, held int) RETURNS void LANGUAGE plpgsql AS $$
    BEGIN
      UPDATE ${id(schema, logfileTable)} SET state = 'done', version = version + 1, lease_until = NULL
      WHERE id = file AND version = held AND state = 'claimed';
      IF NOT FOUND THEN
        RAISE EXCEPTION 'the claim on logfile % was lost', file USING ERRCODE = 'WE001';
      END IF;
    END $$;`
}

/** First instants of a month ('YYYY-MM') and of the one after it, as Postgres reads them. */
function monthBounds(month: string): { readonly from: string; readonly to: string } {
  const [year = 0, number = 0] = month.split('-').map(Number)
  const next = number === 12 ? `${year + 1}-01` : `${year}-${String(number + 1).padStart(2, '0')}`
  return { from: `${month}-01 00:00:00+00`, to: `${next}-01 00:00:00+00` }
}

/**
 * A month's partitions, made apart and then attached: ATTACH takes a lock that running writers do not mind, CREATE ...
 * PARTITION OF does not.
 */
function createMonth(schema: string, { partitionKey, partitions }: Layout, month: string): Sql {
  const table = id(schema, monthTable(month))
  const { from, to } = monthBounds(month)
  const leaves = Array.from(
    { length: partitions },
    (_, remainder) =>
      sql`CREATE TABLE ${id(schema, leafTable(month, remainder))} PARTITION OF ${table} FOR VALUES WITH (MODULUS ${partitions}, REMAINDER ${remainder});`
        .text,
  )
  return sql`
    CREATE TABLE ${table} (LIKE ${id(schema, rowTable)} INCLUDING DEFAULTS INCLUDING CONSTRAINTS) PARTITION BY HASH (${id(keyColumn(partitionKey))});
    ${new Sql(leaves.join('\n'))}
    ALTER TABLE ${id(schema, rowTable)} ATTACH PARTITION ${table} FOR VALUES FROM (${literal(from)}) TO (${literal(to)});`
}

/** A date that `monthBounds` made. */
function literal(date: string): Sql {
  if (!/^[0-9 :+-]+$/.test(date)) throw new Error(`"${date}" is no date`)
  return new Sql(`'${date}'`)
}

/** Creates the schema with its tables and the partitions of these months. */
export async function createRun(client: Client, schema: string, layout: Layout, months: readonly string[]): Promise<void> {
  await client.query('BEGIN')
  try {
    await client.query(createTables(schema, layout).text)
    for (const month of months) await client.query(createMonth(schema, layout, month).text)
    await client.query('COMMIT')
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined)
    throw error
  }
}

/**
 * Makes sure that a month has its partitions, whoever else may be making them at the same moment. False while the month is
 * just being dropped: its tables are still there, and rows cannot go into them any more.
 */
export async function ensureMonth(client: Client, schema: string, layout: Layout, month: string): Promise<boolean> {
  await client.query('BEGIN')
  try {
    await client.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [schema])
    const { rows } = await client.query<{ there: boolean; attached: boolean }>(
      `SELECT to_regclass($1) IS NOT NULL AS there,
         EXISTS (SELECT FROM pg_inherits WHERE inhrelid = to_regclass($1) AND NOT inhdetachpending) AS attached`,
      [id(schema, monthTable(month)).text],
    )
    if (rows[0]?.there !== true) await client.query(createMonth(schema, layout, month).text)
    await client.query('COMMIT')
    return rows[0]?.there !== true || rows[0].attached
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined)
    throw error
  }
}

/** The month ('YYYY-MM') of a row that found no partition, by the server's error; undefined for any other error. */
export function monthWithoutPartition(error: unknown): string | undefined {
  const { code, constraint, detail } = (error ?? {}) as { code?: string; constraint?: string; detail?: string }
  if (code !== '23514' || constraint !== undefined) return undefined
  return /\(created_at\) = \((\d{4}-\d{2})-/.exec(detail ?? '')?.[1]
}

/** A leaf partition and where, by the catalog's own bounds, it belongs; `place` is undefined for anything else that holds rows. */
export interface LeafInfo {
  readonly name: string
  readonly schema: string
  readonly place: { readonly month: string; readonly remainder: number } | undefined
}

const leavesQuery = `
  WITH RECURSIVE tree AS (
    SELECT c.oid, c.relkind, ARRAY[]::text[] AS bounds FROM pg_class c WHERE c.oid = to_regclass($1)
    UNION ALL
    SELECT c.oid, c.relkind, tree.bounds || (pg_get_expr(c.relpartbound, c.oid) COLLATE "default")
    FROM tree JOIN pg_inherits i ON i.inhparent = tree.oid JOIN pg_class c ON c.oid = i.inhrelid
  )
  SELECT n.nspname AS schema, c.relname AS name, tree.bounds
  FROM tree JOIN pg_class c ON c.oid = tree.oid JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE tree.relkind = 'r' ORDER BY c.oid`

/** Every table below the row table that holds rows, in order of creation. The client's time zone must be UTC. */
export async function leaves(client: Client, schema: string, layout: Layout): Promise<LeafInfo[]> {
  const { rows } = await client.query<{ schema: string; name: string; bounds: (string | null)[] }>(leavesQuery, [id(schema, rowTable).text])
  return rows.map(({ schema: own, name, bounds }) => ({ schema: own, name, place: placeOf(bounds, layout) }))
}

function placeOf(bounds: readonly (string | null)[], { partitions }: Layout): LeafInfo['place'] {
  const [range, hash, ...deeper] = bounds
  const month = /^FOR VALUES FROM \('(\d{4}-\d{2})-01 00:00:00\+00'\) TO \('(\d{4}-\d{2})-01 00:00:00\+00'\)$/.exec(range ?? '')
  const part = /^FOR VALUES WITH \(modulus (\d+), remainder (\d+)\)$/.exec(hash ?? '')
  if (month === null || part === null || deeper.length > 0) return undefined
  const [, from = '', to = ''] = month
  if (!monthBounds(from).to.startsWith(to) || Number(part[1]) !== partitions) return undefined
  return { month: from, remainder: Number(part[2]) }
}
