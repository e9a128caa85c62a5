/** What a live server can do, found out by asking it: versions differ by settings, types and tables, not by their number alone. */
import type { Capability } from '../store.js'
import type { Link } from './link.js'
import { sql } from './sql.js'

export interface Abilities {
  readonly version: string
  /** Columns of few different values are kept as numbers of a dictionary. */
  readonly lowCardinality: boolean
  readonly ipv6: boolean
  /** Indices that say which stretches of a table need not be read. */
  readonly skipIndices: boolean
  /** An INSERT that repeats the token of an earlier one stores nothing, tables that are not replicated included. */
  readonly tokens: boolean
  /** A part may keep all of its columns in one file. */
  readonly compactParts: boolean
  /** Questions take parameters. */
  readonly parameters: boolean
  /** Inserts may be gathered by the server, see `async_insert`. */
  readonly asyncInserts: boolean
  /** The server keeps a table of what its merges did. */
  readonly partLog: boolean
  /** Dropped tables give their space back at once when told to. */
  readonly dropsAtOnce: boolean
  /** Clocks with milliseconds. */
  readonly milliseconds: boolean
}

interface Named {
  readonly kind: string
  readonly name: string
  readonly value: string
}

/** Asks a server what it can do. */
export async function abilitiesOf(link: Link): Promise<Abilities> {
  const named = await link.rows<Named>(sql`
    SELECT 'version' AS kind, version() AS name, '' AS value
    UNION ALL SELECT 'setting' AS kind, name, value FROM system.settings
    UNION ALL SELECT 'merge tree' AS kind, name, value FROM system.merge_tree_settings
    UNION ALL SELECT 'type' AS kind, name, '' AS value FROM system.data_type_families
    UNION ALL SELECT 'function' AS kind, name, '' AS value FROM system.functions
    UNION ALL SELECT 'table' AS kind, name, '' AS value FROM system.tables WHERE database = 'system'`)
  const values = new Map(named.map(({ kind, name, value }) => [`${kind} ${name}`, value]))
  const has = (kind: string, name: string) => values.has(`${kind} ${name}`)
  return {
    version: named.find(({ kind }) => kind === 'version')?.name ?? 'unknown',
    // Where it is an experiment it has to be allowed, and may be read by no other version.
    lowCardinality: has('type', 'LowCardinality') && !has('setting', 'allow_experimental_low_cardinality_type'),
    ipv6: has('type', 'IPv6'),
    skipIndices: has('table', 'data_skipping_indices'),
    tokens: has('setting', 'insert_deduplication_token') && has('merge tree', 'non_replicated_deduplication_window'),
    compactParts: has('merge tree', 'min_bytes_for_wide_part'),
    parameters: await link.echo(7).then(
      (value) => value === 7,
      () => false,
    ),
    asyncInserts: has('setting', 'async_insert'),
    partLog: has('table', 'part_log'),
    dropsAtOnce: has('setting', 'database_atomic_wait_for_drop_and_detach_synchronously'),
    milliseconds: has('function', 'now64'),
  }
}

/** What a store on such a server lacks, each with its sentence. */
export function lacksOf({ version, tokens, parameters }: Abilities): Readonly<Partial<Record<Capability, string>>> {
  return {
    ...(tokens
      ? {}
      : {
          claims: `ClickHouse ${version} knows no deduplication tokens for tables that are not replicated, so no two instances could be kept from taking the same logfile`,
          retry: `ClickHouse ${version} knows no deduplication tokens for tables that are not replicated, so a batch in doubt could be stored twice`,
        }),
    ...(parameters ? {} : { analytics: `ClickHouse ${version} takes no query parameters, so its questions could not be asked safely` }),
  }
}
