/** A Postgres server, whoever started it: what lies on it, what it promises, and how it settles between runs. */
import type pg from 'pg'
import type { Durability, Layout, RunMemory, StoredRun, StoreFacts, StoreServer } from '../store.js'
import { connect, explain, PostgresError } from './connect.js'
import { commitMs, durabilityOf, facts, settings } from './facts.js'
import { memoryTable } from './layout.js'
import { type LocalServer, localServer, processesOf } from './local-server.js'
import { dropSchema } from './postgres.js'
import { id, sql } from './sql.js'
import { StandingConnection } from './standing.js'
import { untilSwept } from './sweeping.js'

const oldestVersion = 150_000
/** SQL_ASCII, which is what initdb chooses where no locale is set, keeps bytes as they come. */
const keepsUtf8 = ['UTF8', 'SQL_ASCII']

export class GivenServer implements StoreServer {
  readonly store = 'postgres'
  readonly embedded: boolean = false
  private readonly connection: StandingConnection
  private closed = false

  protected constructor(
    readonly url: string,
    client: pg.Client,
    private readonly local?: LocalServer,
  ) {
    this.connection = new StandingConnection(url, client)
  }

  /**
   * Connects and checks that a run can live there.
   * @throws PostgresError that says what is missing
   */
  static async open(url: string): Promise<GivenServer> {
    const client = await connect(url)
    try {
      await requireUsable(client)
    } catch (error) {
      await client.end().catch(() => undefined)
      throw explain(error, url)
    }
    return new GivenServer(url, client, await localServer(client))
  }

  layoutOf(asked: Layout): Layout {
    return asked
  }

  async durability(): Promise<Durability> {
    return durabilityOf(await this.ask((client) => settings(client)))
  }

  facts(): Promise<StoreFacts> {
    return this.ask(async (client) => facts(client, await this.fsyncMs(client)))
  }

  /**
   * Waits until nothing vacuums or analyzes tables of Weir's, then makes a checkpoint where the user may ask for one: so
   * that nobody's window pays for what a neighbour wrote.
   */
  async settle(): Promise<number> {
    await this.ask(async (client) => {
      await this.swept(client)
      try {
        await client.query('CHECKPOINT')
      } catch (error) {
        // insufficient_privilege: a server that is not ours to settle.
        if ((error as { code?: string }).code !== '42501') throw error
      }
    })
    return 0
  }

  /** Those of a server on this machine; one that was started again meanwhile is not looked for. */
  async processes(): Promise<readonly number[]> {
    return this.local === undefined ? [] : processesOf(this.local.pid)
  }

  async dataFolder(): Promise<string | null> {
    return this.local?.folder ?? null
  }

  async runs(): Promise<readonly StoredRun[]> {
    return this.ask(async (client) => {
      const { rows } = await client.query<{ schema: string; tagged: boolean; bytes: number }>(
        `SELECT n.nspname AS schema, to_regclass(quote_ident(n.nspname) || '.' || $1) IS NOT NULL AS tagged,
           coalesce((SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c WHERE c.relnamespace = n.oid AND c.relkind = 'r'), 0)::float8 AS bytes
         FROM pg_namespace n WHERE n.nspname LIKE 'weir\\_%' ORDER BY 1`,
        [memoryTable],
      )
      const runs: StoredRun[] = []
      for (const { schema, bytes } of rows.filter((row) => row.tagged)) {
        const found = await client
          .query<{ created_at: Date; memory: RunMemory | null }>(sql`SELECT created_at, memory FROM ${id(schema, memoryTable)}`.text)
          .catch((error: unknown) => {
            // Its owner has dropped it meanwhile: no such table, no such schema.
            if (['42P01', '3F000'].includes((error as { code?: string }).code ?? '')) return undefined
            throw error
          })
        if (found === undefined) continue
        const row = found.rows[0]
        runs.push({ schema, createdAt: row?.created_at.toISOString() ?? '', memory: row?.memory ?? undefined, bytes })
      }
      return runs
    })
  }

  async drop(schema: string): Promise<void> {
    await this.ask((client) => dropSchema(client, schema))
  }

  async close(): Promise<void> {
    this.closed = true
    await this.connection.close()
  }

  /** Waits until no table of Weir's is being swept. */
  protected swept(client: pg.Client): Promise<void> {
    return untilSwept(client)
  }

  protected fsyncMs(client: pg.Client): Promise<number | null> {
    return commitMs(client)
  }

  private async ask<T>(question: (client: pg.Client) => Promise<T>): Promise<T> {
    if (this.closed) throw new PostgresError('this server was disconnected from: it answers no more')
    return this.connection.ask(question)
  }
}

async function requireUsable(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ version: number; encoding: string; may: boolean; name: string; user: string }>(
    `SELECT current_setting('server_version_num')::int AS version, current_setting('server_encoding') AS encoding,
       has_database_privilege(current_database(), 'CREATE') AS may, current_database() AS name, current_user AS user`,
  )
  const { version = 0, encoding = '', may = false, name = '', user = '' } = rows[0] ?? {}
  if (version < oldestVersion) throw new PostgresError(`the server is Postgres ${Math.floor(version / 10_000)}; Weir needs 15 or later`)
  // Paths and agents hold any character, and the hash that routes a row is one of the bytes that the server keeps.
  if (!keepsUtf8.includes(encoding)) {
    throw new PostgresError(
      `the database ${name} is encoded in ${encoding}, which cannot hold every log: name one of UTF8, as CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0 makes it`,
    )
  }
  if (!may) {
    throw new PostgresError(`the user ${user} may not create schemas in ${name}: GRANT CREATE ON DATABASE "${name}" TO "${user}"`)
  }
}
