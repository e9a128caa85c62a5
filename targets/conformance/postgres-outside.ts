/** A hand on Postgres from outside: a connection that is not Weir's, which locks tables and ends other connections. */
import pg from 'pg'
import { leaves, logfileTable } from '../../stores/postgres/layout.js'
import type { StoreAddress } from '../../stores/store.js'
import type { Outside } from './outside.js'
import { until } from './until.js'

export class PostgresOutside implements Outside {
  private constructor(
    readonly url: string,
    private readonly client: pg.Client,
  ) {}

  static async connect(url: string): Promise<PostgresOutside> {
    const client = new pg.Client({ connectionString: url, application_name: 'conformance' })
    client.on('error', () => undefined)
    await client.connect()
    return new PostgresOutside(url, client)
  }

  /** Process ids of the server's ends of Weir's connections. */
  async connections(): Promise<readonly number[]> {
    const { rows } = await this.client.query<{ pid: number }>(`SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'weir%'`)
    return rows.map(({ pid }) => pid)
  }

  /** Waits until no connection of Weir's is there but these. */
  async onlyConnections(before: readonly number[]): Promise<void> {
    await until('connections are closed', async () => (await this.connections()).every((pid) => before.includes(pid)))
  }

  /** How many of Weir's connections wait for a lock. */
  async blocked(): Promise<number> {
    const { rows } = await this.client.query<{ n: number }>(
      `SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name LIKE 'weir%' AND wait_event_type = 'Lock'`,
    )
    return rows[0]?.n ?? 0
  }

  async cut(pids: readonly number[]): Promise<void> {
    await this.client.query('SELECT pg_terminate_backend(pid) FROM unnest($1::int[]) AS pid', [pids])
  }

  /** Keeps everybody else away from the rows of a run, until the returned function is called (any number of times). */
  lockRows({ schema, layout }: StoreAddress): Promise<() => Promise<void>> {
    return this.lock('ACCESS EXCLUSIVE', async (holder) =>
      (await leaves(holder, schema, layout)).map(({ name }) => tableName(schema, name)),
    )
  }

  /** Lets logfiles be read, but neither registered nor claimed, until the returned function is called. */
  lockClaims({ schema }: StoreAddress): Promise<() => Promise<void>> {
    return this.lock('EXCLUSIVE', async () => [tableName(schema, logfileTable)])
  }

  private async lock(
    mode: 'EXCLUSIVE' | 'ACCESS EXCLUSIVE',
    tables: (holder: pg.Client) => Promise<readonly string[]>,
  ): Promise<() => Promise<void>> {
    const holder = new pg.Client({ connectionString: this.url, application_name: 'conformance' })
    holder.on('error', () => undefined)
    await holder.connect()
    await holder.query(`SET timezone = 'UTC'; BEGIN`)
    await holder.query(`LOCK TABLE ${(await tables(holder)).join(', ')} IN ${mode} MODE`)
    let released: Promise<void> | undefined
    return () => {
      released ??= holder.query('COMMIT').then(() => holder.end())
      return released
    }
  }

  async close(): Promise<void> {
    await this.client.end().catch(() => undefined)
  }
}

const tableName = (schema: string, name: string) => `${pg.escapeIdentifier(schema)}.${pg.escapeIdentifier(name)}`
