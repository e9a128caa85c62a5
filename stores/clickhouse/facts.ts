/** What a live server promises and costs: settings, durability, the price of a small insert, sizes. */
import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import type { Durability, StoreFacts } from '../store.js'
import { type Abilities, lacksOf } from './abilities.js'
import { atOnce } from './layout.js'
import type { Link } from './link.js'
import { id, list, sql } from './sql.js'
import { settingsIn } from './urls.js'

/** Settings of the tables that say what is on the disk when an insert is answered, or a merge has replaced what it merged. */
const ofTables = [
  'fsync_after_insert',
  'fsync_part_directory',
  'min_rows_to_fsync_after_merge',
  'min_compressed_bytes_to_fsync_after_merge',
  'parts_to_delay_insert',
  'parts_to_throw_insert',
  'non_replicated_deduplication_window',
]

const ofInserts = [
  'async_insert',
  'wait_for_async_insert',
  'async_insert_busy_timeout_max_ms',
  'fsync_metadata',
  'max_threads',
  'max_memory_usage',
]

/** Settings in force for Weir's inserts, by name. */
export async function settings(link: Link): Promise<Record<string, string>> {
  const rows = await link.rows<{ name: string; value: string }>(sql`
    SELECT name, value FROM system.merge_tree_settings WHERE name IN (${list(ofTables)})
    UNION ALL SELECT name, value FROM system.settings WHERE name IN (${list(ofInserts)})`)
  const found = Object.fromEntries(rows.map(({ name, value }) => [name, value]).sort(([a = ''], [b = '']) => (a < b ? -1 : 1)))
  // Inserts are gathered by the server only where the URL asks for it, whatever the user's profile says.
  if (found['async_insert'] !== undefined && settingsIn(link.url)['async_insert'] === undefined) found['async_insert'] = '0'
  return found
}

/**
 * What an answered insert survives, by the settings in force: the machine's loss of power only when inserts, merges and
 * directories are fsynced; and nothing at all when the server answers before it has written.
 */
export function durabilityOf(live: Readonly<Record<string, string>>): Durability {
  const number = (name: string) => Number(live[name] ?? 0)
  if (number('async_insert') === 1 && number('wait_for_async_insert') === 0) return 'none'
  const merges = number('min_rows_to_fsync_after_merge') > 0 || number('min_compressed_bytes_to_fsync_after_merge') > 0
  return number('fsync_after_insert') === 1 && number('fsync_part_directory') === 1 && merges ? 'power' : 'process'
}

/** Median milliseconds of a small insert into a table of its own, which is dropped again; null when that is not allowed. */
export async function insertMs(link: Link, abilities: Abilities, tries = 9): Promise<number | null> {
  const schema = `weir_probe_${randomBytes(6).toString('hex')}`
  try {
    await link.run(sql`CREATE DATABASE ${id(schema)}`)
    try {
      await link.run(sql`CREATE TABLE ${id(schema, 'probe')} (n UInt32) ENGINE = MergeTree ORDER BY n`)
      const times: number[] = []
      for (let n = 0; n < tries; n++) {
        const begin = performance.now()
        await link.insert(sql`INSERT INTO ${id(schema, 'probe')} FORMAT TSV`, Readable.from([Buffer.from(`${n}\n`)]), {
          ...(abilities.asyncInserts && settingsIn(link.url)['async_insert'] === undefined ? { async_insert: 0 } : {}),
        })
        times.push(performance.now() - begin)
      }
      return times.sort((a, b) => a - b)[tries >> 1] ?? null
    } finally {
      await link.run(sql`DROP DATABASE ${id(schema)}`, atOnce(abilities))
    }
  } catch {
    return null
  }
}

export async function facts(link: Link, abilities: Abilities, fsyncMs: number | null): Promise<StoreFacts> {
  const live = await settings(link)
  const tables = await link.rows<{ name: string; rows: string; bytes: string }>(sql`
    SELECT concat(database, '.', table) AS name, sum(rows) AS rows, sum(bytes_on_disk) AS bytes FROM system.parts
    WHERE active AND database LIKE 'weir\\_%' GROUP BY database, table ORDER BY database, table`)
  return {
    version: `ClickHouse ${abilities.version}`,
    durability: durabilityOf(live),
    settings: live,
    fsyncMs,
    tables: tables.map(({ name, rows, bytes }) => ({ name, rows: Number(rows), bytes: Number(bytes) })),
    limits: limitsOf(abilities, live),
  }
}

function limitsOf(abilities: Abilities, live: Readonly<Record<string, string>>): readonly string[] {
  const { version } = abilities
  return [
    ...Object.values(lacksOf(abilities)),
    ...(live['fsync_after_insert'] === undefined
      ? [`ClickHouse ${version} cannot be told to fsync inserts, so its rows survive no loss of power`]
      : []),
    ...(abilities.lowCardinality
      ? []
      : [`ClickHouse ${version} has no column type for few different values, so methods and protocols take more room`]),
    ...(abilities.ipv6 ? [] : [`ClickHouse ${version} has no type for addresses: they lie as the sixteen bytes of an IPv6 address`]),
    ...(abilities.skipIndices
      ? []
      : [`ClickHouse ${version} has no indices beside the order of its rows, so a record is looked for in all of them`]),
    ...(abilities.partLog ? [] : ['its merges are counted for the whole server, since it keeps no system.part_log']),
  ]
}
