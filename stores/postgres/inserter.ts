/** The row path: a prepared INSERT through the parent table for each row, committed by itself. */
import type pg from 'pg'
import { keptLineBytes } from '../../generators/record.js'
import { InDoubtError, type Inserter, type Row, rowColumns, type StoreAddress } from '../store.js'
import { connect, explain } from './connect.js'
import { endsConnection } from './copy-in.js'
import { ensureMonth, leaves, monthWithoutPartition, rejectColumnList, rejectTable, rowColumnList, rowTable } from './layout.js'
import { id, Sql, sql } from './sql.js'

const parameters = (count: number) => new Sql(Array.from({ length: count }, (_, i) => `$${i + 1}`).join(', '))

export class PostgresInserter implements Inserter {
  private readonly insertText: string
  private readonly rejectText: string
  private making: Promise<void> | undefined
  private closed = false

  private constructor(
    private readonly address: StoreAddress,
    private opening: Promise<pg.Client> | undefined,
    private readonly months: Set<string>,
  ) {
    const { schema } = address
    this.insertText = sql`INSERT INTO ${id(schema, rowTable)} (${rowColumnList}) VALUES (${parameters(rowColumns.length)})`.text
    this.rejectText = sql`INSERT INTO ${id(schema, rejectTable)} (${rejectColumnList}) VALUES (${parameters(5)})`.text
  }

  static async open(address: StoreAddress): Promise<PostgresInserter> {
    const client = await connect(address.url, address.schema)
    try {
      const known = await leaves(client, address.schema, address.layout)
      const months = known.flatMap(({ place }) => (place === undefined ? [] : [place.month]))
      const inserter = new PostgresInserter(address, Promise.resolve(client), new Set(months))
      if (inserter.opening !== undefined) inserter.watched(inserter.opening)
      return inserter
    } catch (error) {
      await client.end().catch(() => undefined)
      throw explain(error, address.url)
    }
  }

  async insert(row: Row): Promise<void> {
    await this.ready(row.createdAt)
    const values = [
      row.source,
      row.position,
      row.createdAt,
      row.remoteAddr,
      row.remoteUser ?? '',
      row.method,
      row.path,
      row.protocol,
      row.status,
      row.bytes,
      row.referrer,
      row.userAgent,
    ]
    try {
      await this.run('insert-row', this.insertText, values)
    } catch (error) {
      // Dropped, and here comes a late row for it.
      const month = monthWithoutPartition((error as Error).cause)
      if (month === undefined) throw error
      this.months.delete(month)
      await this.ready(row.createdAt)
      await this.run('insert-row', this.insertText, values)
    }
  }

  async reject(line: Uint8Array, source: number, position: number, reason: string): Promise<void> {
    const kept = Buffer.from(line.buffer, line.byteOffset, Math.min(line.byteLength, keptLineBytes))
    await this.run('insert-reject', this.rejectText, [source, position, reason, line.byteLength, kept])
  }

  async close(): Promise<void> {
    this.closed = true
    await this.opening?.then((client) => client.end()).catch(() => undefined)
  }

  private run(name: string, text: string, values: unknown[]): Promise<void> {
    return this.ask(async (client) => {
      await client.query({ name, text, values })
    })
  }

  /** A connection that breaks while nothing is asked of it is made again: nothing is in doubt then. */
  private watched(opening: Promise<pg.Client>): Promise<pg.Client> {
    const forget = () => {
      if (this.opening === opening) this.opening = undefined
    }
    opening.then((client) => client.once('end', forget)).catch(() => undefined)
    return opening
  }

  /** Asks over the connection, which is opened again when it was lost. */
  private async ask(question: (client: pg.Client) => Promise<void>): Promise<void> {
    if (this.closed) throw new Error('this inserter is closed')
    this.opening ??= this.watched(connect(this.address.url, this.address.schema))
    const { opening } = this
    let connected = false
    try {
      const client = await opening
      connected = true
      await question(client)
    } catch (error) {
      const explained = explain(error, this.address.url)
      if (!endsConnection(error)) throw explained
      if (this.opening === opening) this.opening = undefined
      opening.then((client) => client.end()).catch(() => undefined)
      throw connected ? new InDoubtError(`${explained.message}; whether the row was committed is not known`, { cause: error }) : explained
    }
  }

  /** Makes sure that the row's month, in UTC, has its partitions. */
  private async ready(createdAt: string): Promise<void> {
    const month =
      createdAt.endsWith('+00:00') || createdAt.endsWith('Z') ? createdAt.slice(0, 7) : new Date(createdAt).toISOString().slice(0, 7)
    // A transaction on this connection that makes a month must not take in rows of other calls.
    while (this.making !== undefined) await this.making.catch(() => undefined)
    if (this.months.has(month)) return
    this.making = this.ask(async (client) => void (await ensureMonth(client, this.address.schema, this.address.layout, month)))
    try {
      await this.making
    } finally {
      this.making = undefined
    }
    this.months.add(month)
  }
}
