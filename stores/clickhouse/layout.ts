/** How a run lies in ClickHouse: a database of its own, rows by months in the order of time, with the tables beside them. */
import { rowColumns } from '../store.js'
import type { Abilities } from './abilities.js'
import type { Link, Settings } from './link.js'
import { id, list, Sql, sql } from './sql.js'

export const rowTable = 'nginx_logfile_row'
export const rejectTable = 'nginx_logfile_reject'
export const logfileTable = 'nginx_logfile'
/** Marks a database as a run of Weir's. */
export const memoryTable = 'weir_run'

export const rowColumnList: Sql = list(rowColumns.map((column) => id(column)))
export const rejectColumns = ['source', 'position', 'reason', 'length', 'line'] as const
export const rejectColumnList: Sql = list(rejectColumns.map((column) => id(column)))

/**
 * How many inserts each table remembers the tokens of: far more than can lie between a batch and its repetition, and
 * some ten megabytes of the server's memory when all of it is used.
 */
const rememberedInserts = 100_000

/**
 * Parts smaller than this, before compression, are one file rather than one or two for each column: making, and where it is
 * asked for fsyncing, some thirty files for every INSERT took a quarter of the engine's CPU (docs/adr/0013).
 */
const wideFromBytes = 512 * 1024 * 1024

function settings(all: readonly string[]): Sql {
  return new Sql(all.length === 0 ? '' : `SETTINGS ${all.join(', ')}`)
}

/** For statements that have to be over when they return. */
export function atOnce({ dropsAtOnce }: Abilities): Settings {
  return dropsAtOnce ? { database_atomic_wait_for_drop_and_detach_synchronously: 1 } : {}
}

/** Creates the database with its tables; the table that marks it as Weir's first, so that a crash leaves nothing unmarked. */
export async function createRun(link: Link, schema: string, abilities: Abilities): Promise<void> {
  const few = new Sql(abilities.lowCardinality ? 'LowCardinality(String)' : 'String')
  const address = new Sql(abilities.ipv6 ? 'IPv6' : 'FixedString(16)')
  const remembering = settings(abilities.tokens ? [`non_replicated_deduplication_window = ${rememberedInserts}`] : [])
  const keepingRows = settings([
    ...(abilities.tokens ? [`non_replicated_deduplication_window = ${rememberedInserts}`] : []),
    ...(abilities.compactParts ? [`min_bytes_for_wide_part = ${wideFromBytes}`] : []),
  ])
  // In the order of time, positions lie close together; an address is in few stretches, unless it is a busy one.
  const indices = new Sql(
    abilities.skipIndices
      ? `, INDEX positions (source, position) TYPE minmax GRANULARITY 1, INDEX addresses remote_addr TYPE bloom_filter(0.01) GRANULARITY 1`
      : '',
  )
  await link.run(sql`CREATE DATABASE ${id(schema)}`)
  await link.run(sql`CREATE TABLE ${id(schema, memoryTable)} (
    created_at DateTime('UTC') DEFAULT now(), revision UInt32, memory String
  ) ENGINE = MergeTree ORDER BY revision`)
  await link.run(sql`INSERT INTO ${id(schema, memoryTable)} (revision, memory) VALUES (0, '')`)
  await link.run(sql`CREATE TABLE ${id(schema, rowTable)} (
    source Int32, position Int64, created_at DateTime('UTC'), remote_addr ${address}, remote_user String,
    method ${few}, path String, protocol ${few}, status Int16, bytes Nullable(Int64),
    referrer Nullable(String), user_agent Nullable(String)${indices}
  ) ENGINE = MergeTree PARTITION BY toYYYYMM(created_at) ORDER BY (created_at, source, position) ${keepingRows}`)
  await link.run(sql`CREATE TABLE ${id(schema, rejectTable)} (
    source Int32, position Int64, reason String, length Int32, line String
  ) ENGINE = MergeTree ORDER BY (source, position) ${remembering}`)
  await link.run(sql`CREATE TABLE ${id(schema, logfileTable)} (
    id Int64, version Int32, state String, owner String, nonce String, at Int64, lease_until Int64,
    path String, ranges String
  ) ENGINE = MergeTree ORDER BY (id, version) ${remembering}`)
}

/** A month ('YYYY-MM') as the name of its partition, and back; undefined for what is no month's partition. */
export function partitionOf(month: string): string {
  return month.replace('-', '')
}

export function monthOf(partition: string): string | undefined {
  return /^\d{6}$/.test(partition) ? `${partition.slice(0, 4)}-${partition.slice(4)}` : undefined
}

export interface PartitionInfo {
  /** As ClickHouse names it: '202601'. */
  readonly name: string
  readonly rows: number
  readonly bytes: number
}

/** The partitions of a table, in order. */
export async function partitionsOf(link: Link, schema: string, table: string): Promise<readonly PartitionInfo[]> {
  const found = await link.rows<{ name: string; rows: string; bytes: string }>(sql`
    SELECT partition AS name, sum(rows) AS rows, sum(bytes_on_disk) AS bytes FROM system.parts
    WHERE database = ${schema} AND table = ${table} AND active GROUP BY partition ORDER BY partition`)
  return found.map(({ name, rows, bytes }) => ({ name, rows: Number(rows), bytes: Number(bytes) }))
}

/** Drops a run's database. Refuses what Weir did not make. */
export async function dropRun(link: Link, schema: string, abilities: Abilities): Promise<void> {
  if (!/^weir_/.test(schema)) throw new Error(`${schema} is not a database that Weir made: it stays`)
  const tables = await link.rows<{ name: string }>(sql`SELECT name FROM system.tables WHERE database = ${schema}`)
  if (tables.length > 0 && !tables.some(({ name }) => name === memoryTable)) {
    throw new Error(`the database ${schema} has no table ${memoryTable}, so Weir did not make it: it stays`)
  }
  await link.run(sql`DROP DATABASE IF EXISTS ${id(schema)}`, atOnce(abilities))
}
