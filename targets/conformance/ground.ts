/** The stores that the suite tries targets on, and a hand on each from outside. */
import { randomBytes } from 'node:crypto'
import type { Format } from '../../generators/record.js'
import { isInstalled } from '../../stores/clickhouse/embedded.js'
import { startServer } from '../../stores/index.js'
import type { StoreAddress, StoreServer } from '../../stores/store.js'
import { ClickHouseOutside } from './clickhouse-outside.js'
import type { Outside } from './outside.js'
import { PostgresOutside } from './postgres-outside.js'

/** A store as the matrix names it. */
export interface GroundSpec {
  readonly name: string
  /** As `startServer` takes it; undefined when this machine does not have it. */
  readonly store: string | undefined
  /** What is missing. */
  readonly needs?: string
}

export const grounds: readonly GroundSpec[] = [
  { name: 'postgres', store: 'postgres' },
  { name: 'postgres by URL', store: process.env['WEIR_TEST_POSTGRES'], needs: 'WEIR_TEST_POSTGRES' },
  { name: 'clickhouse', store: isInstalled() ? 'clickhouse' : undefined, needs: 'npm install chdb' },
  { name: 'clickhouse by URL', store: process.env['WEIR_TEST_CLICKHOUSE'], needs: 'WEIR_TEST_CLICKHOUSE' },
  { name: 'null', store: 'null' },
]

const asked = { partitionKey: 'id', partitions: 3 } as const

const hands: Readonly<Record<string, (url: string) => Promise<Outside>>> = {
  postgres: (url) => PostgresOutside.connect(url),
  clickhouse: (url) => ClickHouseOutside.before(url),
}

/** A started store. */
export class Ground {
  private constructor(
    readonly name: string,
    /** As `startServer` takes it. */
    readonly spec: string,
    readonly server: StoreServer,
    /** Undefined where there is nothing to lock or to count. */
    readonly outside: Outside | undefined,
  ) {}

  static async start({ name, store }: GroundSpec): Promise<Ground> {
    if (store === undefined) throw new Error(`${name} is not here`)
    const server = await startServer({ store, durability: 'process' })
    return new Ground(name, store, server, await hands[server.store]?.(server.url))
  }

  /** Whether the store keeps what it takes, so that it can be audited, locked and cut off. */
  get keeps(): boolean {
    return this.outside !== undefined
  }

  address(format: Format): StoreAddress {
    return {
      store: this.server.store,
      url: this.outside?.url ?? this.server.url,
      schema: `weir_conformance_${randomBytes(6).toString('hex')}`,
      layout: this.server.layoutOf(asked),
      format,
    }
  }

  async close(): Promise<void> {
    await this.outside?.close()
    await this.server.close()
  }
}
