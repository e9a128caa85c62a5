/** The servers that tests of the ClickHouse store run on: the embedded one, and a given one (WEIR_TEST_CLICKHOUSE, or Debian's if it is installed). */
import { randomBytes } from 'node:crypto'
import { test } from 'uvu'
import type { Format } from '../../generators/record.js'
import type { StoreAddress } from '../store.js'
import { ClickHouseStore } from './clickhouse.js'
import { type DebianServer, debianBinary, startDebianServer } from './debian-server.testing.js'
import { Link } from './link.js'
import { ClickHouseServer } from './server.js'
import { Sql, sql } from './sql.js'
import { StartedServer } from './started-server.js'

export { chunkOf, chunksOf, failure, linesOf, streamOf } from '../postgres/servers.testing.js'

export const layout = { partitionKey: 'id', partitions: 1 } as const

export interface RunOptions {
  readonly format?: Format
  /** Another way to the same server: through a proxy, or with settings. */
  readonly url?: string
}

/** A server under test; what a test makes on it goes with `end`. */
export class Ground {
  private readonly ending: (() => Promise<unknown>)[] = []
  readonly link: Link

  constructor(readonly server: ClickHouseServer) {
    this.link = new Link(server.url)
    this.ending.push(() => this.link.close())
  }

  get url(): string {
    return this.server.url
  }

  /** Whether this is the newest engine, and not Debian's. */
  get isNew(): boolean {
    return this.server.embedded
  }

  /** A run's tables in a database of its own. */
  async run({ format = 'combined', url = this.url }: RunOptions = {}): Promise<ClickHouseStore> {
    const store = await this.open({ store: 'clickhouse', url, schema: `weir_test_${randomBytes(6).toString('hex')}`, layout, format })
    this.ending.push(() => this.server.drop(store.address.schema))
    await store.prepare({ kind: 'rows', keeps: 'all' })
    return store
  }

  /** The same run once more, as another process would open it. */
  async open(address: StoreAddress): Promise<ClickHouseStore> {
    return this.closing(await ClickHouseStore.open(address))
  }

  /** Closes something when the test has ended, however it ended. */
  closing<T extends { close(): Promise<unknown> }>(made: T): T {
    this.ending.push(() => made.close())
    return made
  }

  /** The value of a question for one number. */
  async number(question: Sql): Promise<number> {
    const [row] = await this.link.rows<Record<string, string | number>>(question)
    return Number(Object.values(row ?? {})[0])
  }

  /** Changes rows by plain SQL, and waits until every part has been changed. */
  async mutate(schema: string, table: string, change: string): Promise<void> {
    await this.link.run(new Sql(`ALTER TABLE ${schema}.${table} ${change}`))
    while ((await this.number(sql`SELECT count() AS n FROM system.mutations WHERE database = ${schema} AND NOT is_done`)) > 0) {
      // Asking again is the waiting.
    }
  }

  async end(): Promise<void> {
    for (const end of this.ending.splice(0).reverse()) await end()
  }
}

const givenUrl = process.env['WEIR_TEST_CLICKHOUSE']
const binary = givenUrl === undefined ? debianBinary() : undefined
let embedded: ClickHouseServer | undefined
let given: ClickHouseServer | undefined
let debian: DebianServer | undefined

/** Why there is no given server; undefined when there is one. */
export const givenNeeds = givenUrl === undefined && binary === undefined ? 'WEIR_TEST_CLICKHOUSE or clickhouse-server' : undefined

/** The URL of the given server, started when it is Debian's. */
export async function givenServerUrl(): Promise<string> {
  if (givenUrl !== undefined) return givenUrl
  if (binary === undefined) throw new Error(`this test needs ${givenNeeds}`)
  debian ??= await startDebianServer(binary)
  return debian.url
}

const kinds = {
  embedded: async () => {
    embedded ??= await StartedServer.start({ durability: 'process' })
    return embedded
  },
  given: async () => {
    given ??= await ClickHouseServer.open(await givenServerUrl())
    return given
  },
}

/** Registers a test for each server; the given one's is skipped, by name, where there is none. */
export function onServers(name: string, body: (ground: Ground) => Promise<void>): void {
  onEmbedded(`${name}, on the embedded engine`, body)
  onGiven(`${name}, on a given server`, body)
}

export function onEmbedded(name: string, body: (ground: Ground) => Promise<void>): void {
  test(name, () => onGround(kinds.embedded, body))
}

export function onGiven(name: string, body: (ground: Ground) => Promise<void>): void {
  if (givenNeeds === undefined) test(name, () => onGround(kinds.given, body))
  else test.skip(`${name} (needs ${givenNeeds})`, () => undefined)
}

test.after(async () => {
  await Promise.all([embedded?.close(), given?.close()])
  await debian?.close()
})

async function onGround(server: () => Promise<ClickHouseServer>, body: (ground: Ground) => Promise<void>): Promise<void> {
  const ground = new Ground(await server())
  try {
    await body(ground)
  } finally {
    await ground.end()
  }
}
