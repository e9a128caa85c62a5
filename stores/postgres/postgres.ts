/** One run's tables in Postgres. */

import type pg from 'pg'
import type { Analytics } from '../analytics.js'
import type {
  DroppedMonth,
  Image,
  Inserter,
  Logfiles,
  RunMemory,
  Scanner,
  Store,
  StoreAddress,
  StoreFacts,
  Upkeep,
  WaitWatch,
  Writer,
  WriterOptions,
} from '../store.js'
import { PostgresAnalytics } from './analytics.js'
import { connect, explain, PostgresError } from './connect.js'
import { dropMonth } from './drop-month.js'
import { commitMs, facts } from './facts.js'
import { PostgresInserter } from './inserter.js'
import { createRun, leaves, memoryTable, rejectTable, rowTable } from './layout.js'
import { PostgresLogfiles } from './logfiles.js'
import { routesAlike } from './routes-alike.js'
import { PostgresScanner } from './scanner.js'
import { id, sql } from './sql.js'
import { StandingConnection } from './standing.js'
import { PostgresWaits } from './waits.js'
import { PostgresWriter } from './writer.js'

export class PostgresStore implements Store {
  readonly logfiles: Logfiles
  readonly scanner: Scanner
  readonly lacks = {}
  readonly batchesAtOnce = 2
  private readonly connection: StandingConnection
  private routing: Promise<boolean> | undefined

  constructor(readonly address: StoreAddress) {
    this.connection = new StandingConnection(address.url)
    this.logfiles = new PostgresLogfiles(address)
    this.scanner = new PostgresScanner(address)
  }

  async prepare(image: Image, months: readonly string[]): Promise<void> {
    if (image.kind !== 'rows' || image.keeps !== 'all') throw new Error(`Postgres has no tables yet for an image of ${image.kind}`)
    await this.ask((client) => createRun(client, this.address.schema, this.address.layout, months))
    // The audit computes the place that each row belongs in; on a server that sees it otherwise it would cry wolf.
    if (!(await this.routesAlike())) {
      throw new PostgresError(
        `this server hashes the partition key "${this.address.layout.partitionKey}" in a way that Weir does not know, so an audit could not tell a misplaced row: choose another --partition-key, such as id`,
      )
    }
  }

  /** `routed`: COPY into the leaf partitions, which the client computes, rather than through the parent (the default). */
  async writer({ routed = false, ...options }: WriterOptions & { readonly routed?: boolean } = {}): Promise<Writer> {
    return PostgresWriter.open(this.address, { ...options, routed })
  }

  inserter(): Promise<Inserter> {
    return PostgresInserter.open(this.address)
  }

  async *rejected() {
    const client = await connect(this.address.url)
    try {
      // By pages in the order of the key, so that neither side holds all of them.
      const page = sql`SELECT source, position, reason, length, line FROM ${id(this.address.schema, rejectTable)}
        WHERE (source, position) > ($1, $2) ORDER BY source, position LIMIT 100`.text
      let last = { source: -1, position: -1 }
      for (;;) {
        const { rows } = await client.query<{ source: number; position: string; reason: string; length: number; line: Buffer }>(page, [
          last.source,
          last.position,
        ])
        for (const row of rows) {
          last = { source: row.source, position: Number(row.position) }
          yield { ...row, position: last.position }
        }
        if (rows.length === 0) return
      }
    } finally {
      await client.end()
    }
  }

  async remember(memory: RunMemory): Promise<void> {
    await this.ask((client) =>
      client.query(sql`UPDATE ${id(this.address.schema, memoryTable)} SET memory = $1`.text, [JSON.stringify(memory)]),
    )
  }

  facts(): Promise<StoreFacts> {
    return this.ask(async (client) => facts(client, await commitMs(client)))
  }

  async partitions() {
    const { schema, layout } = this.address
    return this.ask(async (client) => {
      const found = []
      for (const leaf of await leaves(client, schema, layout)) {
        const table = id(leaf.schema, leaf.name)
        const { rows } = await client.query<{ rows: number; bytes: number }>(
          sql`SELECT count(*)::float8 AS rows, pg_total_relation_size(to_regclass($1))::float8 AS bytes FROM ONLY ${table}`.text,
          [table.text],
        )
        found.push({ name: leaf.name, rows: rows[0]?.rows ?? 0, bytes: rows[0]?.bytes ?? 0 })
      }
      return found
    })
  }

  async analytics(): Promise<Analytics> {
    return new PostgresAnalytics(this.address)
  }

  async seen(source: number, position: number): Promise<boolean> {
    const text = sql`SELECT 1 FROM ${id(this.address.schema, rowTable)} WHERE source = $1 AND position = $2 LIMIT 1`.text
    return this.ask(async (client) => (await client.query(text, [source, position])).rowCount === 1)
  }

  async dropMonth(month: string): Promise<DroppedMonth> {
    const client = await connect(this.address.url)
    try {
      return await dropMonth(client, this.address.schema, month)
    } catch (error) {
      throw explain(error, this.address.url)
    } finally {
      await client.end().catch(() => undefined)
    }
  }

  upkeep(): Promise<Upkeep> {
    return this.ask(async (client) => {
      const { rows } = await client.query<{ running: number; vacuums: number; analyzes: number }>(
        `SELECT (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'autovacuum worker')::int AS running,
           coalesce(sum(vacuum_count + autovacuum_count), 0)::int AS vacuums, coalesce(sum(analyze_count + autoanalyze_count), 0)::int AS analyzes
         FROM pg_stat_user_tables WHERE schemaname = $1`,
        [this.address.schema],
      )
      const { running = 0, vacuums = 0, analyzes = 0 } = rows[0] ?? {}
      return { settled: running === 0, figures: { vacuums, analyzes } }
    })
  }

  waits(): WaitWatch {
    return new PostgresWaits(this.address)
  }

  async drop(): Promise<void> {
    await this.ask((client) => dropSchema(client, this.address.schema))
  }

  async close(): Promise<void> {
    await this.logfiles.close()
    await this.connection.close()
  }

  /**
   * Whether the server's hash partitioning is the one that the kernel computes: asked once, with a few values of the key.
   * Where it is not (another collation, a future version), rows go through the parent.
   */
  routesAlike(): Promise<boolean> {
    if (this.routing === undefined) {
      this.routing = this.ask((client) => routesAlike(client, this.address))
      // Not an answer, so that the next writer asks again.
      this.routing.catch(() => {
        this.routing = undefined
      })
    }
    return this.routing
  }

  private ask<T>(question: (client: pg.Client) => Promise<T>): Promise<T> {
    return this.connection.ask(question)
  }
}

/** Drops a run's schema. Refuses names that are not Weir's. */
export async function dropSchema(client: pg.Client, schema: string): Promise<void> {
  if (!/^weir_/.test(schema)) throw new Error(`${schema} is not a schema that Weir made: it stays`)
  await client.query(sql`DROP SCHEMA IF EXISTS ${id(schema)} CASCADE`.text)
}
