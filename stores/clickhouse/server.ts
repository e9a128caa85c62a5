/** A ClickHouse server, whoever started it: what lies on it, what it promises, and how it settles between runs. */
import { randomBytes } from 'node:crypto'
import type { Durability, Layout, RunMemory, StoredRun, StoreFacts, StoreServer } from '../store.js'
import { type Abilities, abilitiesOf } from './abilities.js'
import { ClickHouseStoreError, noClickHouse } from './errors.js'
import { durabilityOf, facts, insertMs, settings } from './facts.js'
import { dropRun, memoryTable } from './layout.js'
import { Link } from './link.js'
import { id, sql } from './sql.js'
import { untilMerged } from './upkeep.js'

/** Of a first question, milliseconds: who is asked for nothing else answers at once. */
const firstAnswerMs = 10_000

export class ClickHouseServer implements StoreServer {
  readonly store = 'clickhouse'
  readonly embedded: boolean = false

  protected constructor(
    readonly url: string,
    protected readonly link: Link,
    protected readonly abilities: Abilities,
  ) {}

  /**
   * Connects and checks that a run can live there.
   * @throws ClickHouseStoreError that says what was wrong, where, and what to do
   */
  static async open(url: string): Promise<ClickHouseServer> {
    const abilities = await greet(url)
    return new ClickHouseServer(url, new Link(url), abilities)
  }

  /** Months alone: a hash within them would only cut a MergeTree's parts smaller. */
  layoutOf({ partitionKey }: Layout): Layout {
    return { partitionKey, partitions: 1 }
  }

  async durability(): Promise<Durability> {
    return durabilityOf(await settings(this.link))
  }

  async facts(): Promise<StoreFacts> {
    return facts(this.link, this.abilities, await this.fsyncMs())
  }

  settle(): Promise<number> {
    return untilMerged(this.link)
  }

  async processes(): Promise<readonly number[]> {
    return []
  }

  async dataFolder(): Promise<string | null> {
    return null
  }

  async runs(): Promise<readonly StoredRun[]> {
    const tagged = await this.link.rows<{ schema: string }>(
      sql`SELECT database AS schema FROM system.tables WHERE name = ${memoryTable} AND database LIKE 'weir\\_%' ORDER BY database`,
    )
    const sizes = await this.link.rows<{ schema: string; bytes: string }>(
      sql`SELECT database AS schema, sum(bytes_on_disk) AS bytes FROM system.parts WHERE active AND database LIKE 'weir\\_%' GROUP BY database`,
    )
    const runs: StoredRun[] = []
    for (const { schema } of tagged) {
      const memories = await this.remembered(schema)
      if (memories === undefined) continue
      const last = memories.at(-1)?.memory ?? ''
      runs.push({
        schema,
        createdAt: new Date(Number(memories[0]?.at ?? 0) * 1000).toISOString(),
        memory: last === '' ? undefined : (JSON.parse(last) as RunMemory),
        bytes: Number(sizes.find((size) => size.schema === schema)?.bytes ?? 0),
      })
    }
    return runs
  }

  async drop(schema: string): Promise<void> {
    await dropRun(this.link, schema, this.abilities)
  }

  async close(): Promise<void> {
    await this.link.close()
  }

  protected fsyncMs(): Promise<number | null> {
    return insertMs(this.link, this.abilities)
  }

  /** Undefined when its owner has dropped it meanwhile: no such table, no such database. */
  private async remembered(schema: string): Promise<{ at: string; memory: string }[] | undefined> {
    try {
      return await this.link.rows(sql`SELECT toUInt32(created_at) AS at, memory FROM ${id(schema, memoryTable)} ORDER BY revision`)
    } catch (error) {
      if (error instanceof ClickHouseStoreError && [60, 81].includes(error.code ?? 0)) return undefined
      throw error
    }
  }
}

/** Finds out whether a server is there, lets this user in, can make a database, and what else it can. */
export async function greet(url: string): Promise<Abilities> {
  const link = new Link(url, { timeoutMs: firstAnswerMs })
  try {
    const abilities = await abilitiesOf(link)
    if (!/^\d+\.\d+/.test(abilities.version)) throw noClickHouse(url)
    const probe = `weir_probe_${randomBytes(8).toString('hex')}`
    await link.run(sql`CREATE DATABASE ${id(probe)}`)
    await link.run(sql`DROP DATABASE ${id(probe)}`)
    return abilities
  } finally {
    await link.close()
  }
}
