/** What a live server promises and costs: settings, durability, fsync, sizes. */
import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type pg from 'pg'
import type { Durability, StoreFacts } from '../store.js'

const settingNames = [
  'server_version',
  'fsync',
  'synchronous_commit',
  'full_page_writes',
  'wal_level',
  'wal_sync_method',
  'commit_delay',
  'max_wal_size',
  'checkpoint_timeout',
  'shared_buffers',
  'max_connections',
  'autovacuum',
  'data_checksums',
  'wal_compression',
  'track_wal_io_timing',
]

export async function settings(client: pg.Client): Promise<Record<string, string>> {
  const { rows } = await client.query<{ name: string; setting: string }>(
    'SELECT name, current_setting(name) AS setting FROM pg_settings WHERE name = ANY($1) ORDER BY name',
    [settingNames],
  )
  return Object.fromEntries(rows.map(({ name, setting }) => [name, setting]))
}

/**
 * What a committed row survives, by the settings in force: without fsync only the processes' death; with
 * synchronous_commit off a crash of the server loses the last commits; without full-page writes a page that was half
 * written when the power went cannot be mended.
 */
export function durabilityOf({ fsync, synchronous_commit, full_page_writes }: Readonly<Record<string, string>>): Durability {
  if (synchronous_commit === 'off') return 'none'
  return fsync === 'on' && full_page_writes === 'on' ? 'power' : 'process'
}

/** Median milliseconds of a write of 8 KiB that the disk confirms, in a folder; null when it cannot be written to. */
export async function fsyncMsIn(folder: string, tries = 9): Promise<number | null> {
  const path = join(folder, `.weir-fsync-${process.pid}`)
  try {
    const file = await open(path, 'w')
    try {
      const times: number[] = []
      for (let i = 0; i < tries; i++) {
        const begin = performance.now()
        await file.write(Buffer.alloc(8192, i), 0, 8192, 0)
        await file.datasync()
        times.push(performance.now() - begin)
      }
      return medianOf(times)
    } finally {
      await file.close()
    }
  } catch {
    return null
  } finally {
    await rm(path, { force: true }).catch(() => undefined)
  }
}

/**
 * Median milliseconds of a small committed transaction: the round trip and whatever the server waits for. Null when not
 * allowed. The transaction has to write something that is not only its commit record: Postgres does not wait for the disk
 * when a transaction merely took an id (RecordTransactionCommit in its xact.c), so that would show the round trip alone.
 */
export async function commitMs(client: pg.Client, tries = 9): Promise<number | null> {
  try {
    const times: number[] = []
    for (let i = 0; i < tries; i++) {
      const begin = performance.now()
      // A message in the log, which nobody reads: it needs no table and no right that a user lacks.
      await client.query("SELECT pg_logical_emit_message(true, 'weir', '')")
      times.push(performance.now() - begin)
    }
    return medianOf(times)
  } catch {
    return null
  }
}

function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[sorted.length >> 1] as number
}

const tablesQuery = `
  SELECT n.nspname || '.' || c.relname AS name, greatest(c.reltuples, 0)::float8 AS rows, pg_total_relation_size(c.oid)::float8 AS bytes
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname LIKE 'weir\\_%' AND c.relkind = 'r' ORDER BY 1`

export async function facts(client: pg.Client, fsyncMs: number | null): Promise<StoreFacts> {
  const live = await settings(client)
  const { rows: tables } = await client.query<{ name: string; rows: number; bytes: number }>(tablesQuery)
  return { version: `PostgreSQL ${live['server_version'] ?? 'unknown'}`, durability: durabilityOf(live), settings: live, fsyncMs, tables }
}
