/** The stores that the suite tries targets on, and a hand on each from outside: locks, connections, and cutting them. */
import { randomBytes } from 'node:crypto'
import pg from 'pg'
import type { Format } from '../../generators/record.js'
import { startServer } from '../../stores/index.js'
import { leaves, logfileTable } from '../../stores/postgres/layout.js'
import type { StoreAddress, StoreServer } from '../../stores/store.js'
import { until } from './until.js'

/** A store as the matrix names it. */
export interface GroundSpec {
  readonly name: string
  /** As `startServer` takes it; undefined when this machine does not have it. */
  readonly store: string | undefined
  /** What is missing. */
  readonly needs?: string
}

const given = process.env['WEIR_TEST_POSTGRES']

export const grounds: readonly GroundSpec[] = [
  { name: 'postgres', store: 'postgres' },
  { name: 'postgres by URL', store: given, needs: 'WEIR_TEST_POSTGRES' },
  { name: 'null', store: 'null' },
]

const layout = { partitionKey: 'id', partitions: 3 } as const

/** A started store. */
export class Ground {
  private constructor(
    readonly name: string,
    readonly server: StoreServer,
    /** Undefined where there is nothing to lock or to count. */
    readonly outside: Outside | undefined,
  ) {}

  static async start({ name, store }: GroundSpec): Promise<Ground> {
    if (store === undefined) throw new Error(`${name} is not here`)
    const server = await startServer({ store, durability: 'process' })
    return new Ground(name, server, server.url === '' ? undefined : await Outside.connect(server.url))
  }

  /** Whether the store keeps what it takes, so that it can be audited, locked and cut off. */
  get keeps(): boolean {
    return this.outside !== undefined
  }

  address(format: Format): StoreAddress {
    return { store: this.server.store, url: this.server.url, schema: `weir_conformance_${randomBytes(6).toString('hex')}`, layout, format }
  }

  async close(): Promise<void> {
    await this.outside?.close()
    await this.server.close()
  }
}

/** A connection that is not Weir's. */
export class Outside {
  private constructor(
    private readonly url: string,
    private readonly client: pg.Client,
  ) {}

  static async connect(url: string): Promise<Outside> {
    const client = new pg.Client({ connectionString: url, application_name: 'conformance' })
    client.on('error', () => undefined)
    await client.connect()
    return new Outside(url, client)
  }

  /** Process ids of the server's ends of Weir's connections. */
  async connections(): Promise<readonly number[]> {
    const { rows } = await this.client.query<{ pid: number }>(`SELECT pid FROM pg_stat_activity WHERE application_name = 'weir'`)
    return rows.map(({ pid }) => pid)
  }

  /** Waits until no connection of Weir's is there but these. */
  async onlyConnections(before: readonly number[]): Promise<void> {
    await until('connections are closed', async () => (await this.connections()).every((pid) => before.includes(pid)))
  }

  /** How many of Weir's connections wait for a lock. */
  async blocked(): Promise<number> {
    const { rows } = await this.client.query<{ n: number }>(
      `SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = 'weir' AND wait_event_type = 'Lock'`,
    )
    return rows[0]?.n ?? 0
  }

  async cut(pids: readonly number[]): Promise<void> {
    await this.client.query('SELECT pg_terminate_backend(pid) FROM unnest($1::int[]) AS pid', [pids])
  }

  /** Keeps everybody else away from the rows of a run, until the returned function is called (any number of times). */
  lockRows({ schema }: StoreAddress): Promise<() => Promise<void>> {
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
