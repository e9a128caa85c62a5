/** The row path: a prepared INSERT through the parent table for each row, committed by itself. */
import type pg from 'pg'
import { keptLineBytes } from '../../generators/record.js'
import { type Inserter, type Row, rowColumns, type StoreAddress } from '../store.js'
import { connect, explain } from './connect.js'
import { ensureMonth, leaves, rejectColumnList, rejectTable, rowColumnList, rowTable } from './layout.js'
import { id, Sql, sql } from './sql.js'

const parameters = (count: number) => new Sql(Array.from({ length: count }, (_, i) => `$${i + 1}`).join(', '))

export class PostgresInserter implements Inserter {
  private readonly insertText: string
  private readonly rejectText: string

  private constructor(
    private readonly address: StoreAddress,
    private readonly client: pg.Client,
    private readonly months: Set<string>,
  ) {
    const { schema } = address
    this.insertText = sql`INSERT INTO ${id(schema, rowTable)} (${rowColumnList}) VALUES (${parameters(rowColumns.length)})`.text
    this.rejectText = sql`INSERT INTO ${id(schema, rejectTable)} (${rejectColumnList}) VALUES (${parameters(5)})`.text
  }

  static async open(address: StoreAddress): Promise<PostgresInserter> {
    const client = await connect(address.url)
    const known = await leaves(client, address.schema, address.layout)
    return new PostgresInserter(address, client, new Set(known.flatMap(({ place }) => (place === undefined ? [] : [place.month]))))
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
    await this.run('insert-row', this.insertText, values)
  }

  async reject(line: Uint8Array, source: number, position: number, reason: string): Promise<void> {
    const kept = Buffer.from(line.buffer, line.byteOffset, Math.min(line.byteLength, keptLineBytes))
    await this.run('insert-reject', this.rejectText, [source, position, reason, line.byteLength, kept])
  }

  async close(): Promise<void> {
    await this.client.end().catch(() => undefined)
  }

  private async run(name: string, text: string, values: unknown[]): Promise<void> {
    try {
      await this.client.query({ name, text, values })
    } catch (error) {
      throw explain(error, this.address.url)
    }
  }

  /** Makes sure that the row's month, in UTC, has its partitions. */
  private async ready(createdAt: string): Promise<void> {
    const month =
      createdAt.endsWith('+00:00') || createdAt.endsWith('Z') ? createdAt.slice(0, 7) : new Date(createdAt).toISOString().slice(0, 7)
    if (this.months.has(month)) return
    await ensureMonth(this.client, this.address.schema, this.address.layout, month)
    this.months.add(month)
  }
}
