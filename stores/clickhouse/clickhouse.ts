/** One run's tables in ClickHouse. */
import { Readable } from 'node:stream'
import type { Analytics } from '../analytics.js'
import type {
  DroppedMonth,
  Image,
  Inserter,
  RunMemory,
  Store,
  StoreAddress,
  StoreFacts,
  Upkeep,
  WaitWatch,
  Writer,
  WriterOptions,
} from '../store.js'
import { type Abilities, abilitiesOf, lacksOf } from './abilities.js'
import { openAnalytics } from './analytics-client.js'
import { facts, insertMs } from './facts.js'
import { ClickHouseInserter } from './inserter.js'
import { createRun, dropRun, memoryTable, monthOf, partitionOf, partitionsOf, rejectTable, rowTable } from './layout.js'
import { Link } from './link.js'
import { ClickHouseLogfiles } from './logfiles.js'
import { ClickHouseScanner } from './scanner.js'
import { id, sql } from './sql.js'
import { upkeepOf } from './upkeep.js'
import { ClickHouseWaits } from './waits.js'
import { batchesAtOnce, ClickHouseWriter } from './writer.js'

/** Kept rejected lines that are read at once. */
const pageRows = 100

export class ClickHouseStore implements Store {
  readonly logfiles: ClickHouseLogfiles | undefined
  readonly scanner: ClickHouseScanner
  readonly lacks: Store['lacks']
  readonly batchesAtOnce = batchesAtOnce

  private constructor(
    readonly address: StoreAddress,
    private readonly link: Link,
    readonly abilities: Abilities,
  ) {
    this.logfiles = abilities.tokens ? new ClickHouseLogfiles(address, abilities) : undefined
    this.scanner = new ClickHouseScanner(address)
    this.lacks = lacksOf(abilities)
  }

  /** Connects, and finds out what the server can do. @throws ClickHouseStoreError */
  static async open(address: StoreAddress): Promise<ClickHouseStore> {
    const link = new Link(address.url)
    try {
      return new ClickHouseStore(address, link, await abilitiesOf(link))
    } catch (error) {
      await link.close()
      throw error
    }
  }

  /** Months need no preparation: the server makes a partition when its first row comes. */
  async prepare(image: Image): Promise<void> {
    if (image.kind !== 'rows' || image.keeps !== 'all') throw new Error(`ClickHouse has no tables yet for an image of ${image.kind}`)
    await createRun(this.link, this.address.schema, this.abilities)
  }

  writer(options: WriterOptions = {}): Promise<Writer> {
    return ClickHouseWriter.open(this.address, this.abilities, options)
  }

  inserter(): Promise<Inserter> {
    return ClickHouseInserter.open(this.address, this.abilities)
  }

  analytics(): Promise<Analytics> | undefined {
    return this.abilities.parameters ? openAnalytics(this.address) : undefined
  }

  async seen(source: number, position: number): Promise<boolean> {
    const rows = await this.link.rows(
      sql`SELECT 1 AS there FROM ${id(this.address.schema, rowTable)} WHERE source = ${source} AND position = ${position} LIMIT 1`,
    )
    return rows.length === 1
  }

  async dropMonth(month: string): Promise<DroppedMonth> {
    const { schema } = this.address
    const name = partitionOf(month)
    const gone = (await partitionsOf(this.link, schema, rowTable)).find((partition) => partition.name === name)
    if (gone === undefined) return { rows: 0, bytes: 0 }
    // Sums of 64 bits wrap round.
    const [sum] = await this.link.rows<{ positions: string }>(
      sql`SELECT toString(sum(toUInt64(position))) AS positions FROM ${id(schema, rowTable)} WHERE toYYYYMM(created_at) = ${Number(name)}`,
    )
    await this.link.run(sql`ALTER TABLE ${id(schema, rowTable)} DROP PARTITION ID ${name}`)
    return { rows: gone.rows, bytes: gone.bytes, ...sum }
  }

  upkeep(): Promise<Upkeep> {
    return upkeepOf(this.link, this.address.schema, this.abilities)
  }

  waits(): WaitWatch {
    return new ClickHouseWaits(this.link, this.abilities.version)
  }

  async *rejected() {
    // By pages in the order of the key, so that neither side holds all of them; lines hold any bytes, hence the hexadecimals.
    let last = { source: -1, position: -1 }
    for (;;) {
      const rows = await this.link.rows<{ source: number; position: string; reason: string; length: number; line: string }>(
        sql`SELECT source, position, reason, length, hex(line) AS line FROM ${id(this.address.schema, rejectTable)}
          WHERE source > ${last.source} OR (source = ${last.source} AND position > ${last.position})
          ORDER BY source, position LIMIT ${pageRows}`,
      )
      for (const { line, ...row } of rows) {
        last = { source: row.source, position: Number(row.position) }
        yield { ...row, position: last.position, line: Buffer.from(line, 'hex') }
      }
      if (rows.length < pageRows) return
    }
  }

  async remember(memory: RunMemory): Promise<void> {
    const table = id(this.address.schema, memoryTable)
    const [row] = await this.link.rows<{ last: number }>(sql`SELECT max(revision) AS last FROM ${table}`)
    const line = JSON.stringify({ revision: (row?.last ?? 0) + 1, memory: JSON.stringify(memory) })
    await this.link.insert(sql`INSERT INTO ${table} (revision, memory) FORMAT JSONEachRow`, Readable.from([Buffer.from(line)]))
  }

  async facts(): Promise<StoreFacts> {
    return facts(this.link, this.abilities, await insertMs(this.link, this.abilities))
  }

  async partitions() {
    const found = await partitionsOf(this.link, this.address.schema, rowTable)
    return found.map(({ name, rows, bytes }) => ({ name: `${rowTable}_${monthOf(name)?.replace('-', '_') ?? name}`, rows, bytes }))
  }

  async drop(): Promise<void> {
    await dropRun(this.link, this.address.schema, this.abilities)
  }

  async close(): Promise<void> {
    await Promise.all([this.link.close(), this.logfiles?.close()])
  }
}
