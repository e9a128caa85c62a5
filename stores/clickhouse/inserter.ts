/** The row path: one INSERT for each record, whatever ClickHouse thinks of that. */
import { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { InDoubtError, type Inserter, type Row, type StoreAddress } from '../store.js'
import type { Abilities } from './abilities.js'
import { ClickHouseStoreError } from './errors.js'
import { insertSettings } from './inserts.js'
import { rejectColumnList, rejectTable, rowColumnList, rowTable } from './layout.js'
import { Link } from './link.js'
import { isPassing, waitsMs } from './retrying.js'
import { rejectBinary, rowBinary } from './row-binary.js'
import { id, type Sql, sql } from './sql.js'

export class ClickHouseInserter implements Inserter {
  private readonly link: Link
  private readonly closing = new AbortController()
  private readonly insertRow: Sql
  private readonly insertReject: Sql

  private constructor(
    private readonly address: StoreAddress,
    private readonly abilities: Abilities,
  ) {
    const { url, schema } = address
    this.link = new Link(url)
    this.insertRow = sql`INSERT INTO ${id(schema, rowTable)} (${rowColumnList}) FORMAT RowBinary`
    this.insertReject = sql`INSERT INTO ${id(schema, rejectTable)} (${rejectColumnList}) FORMAT RowBinary`
  }

  static async open(address: StoreAddress, abilities: Abilities): Promise<ClickHouseInserter> {
    const inserter = new ClickHouseInserter(address, abilities)
    try {
      await inserter.link.rows(sql`SELECT source FROM ${id(address.schema, rowTable)} LIMIT 0`)
    } catch (error) {
      await inserter.close()
      throw error
    }
    return inserter
  }

  insert(row: Row): Promise<void> {
    return this.store(this.insertRow, rowBinary(row), `row:${row.source}:${row.position}`)
  }

  reject(line: Uint8Array, source: number, position: number, reason: string): Promise<void> {
    return this.store(this.insertReject, rejectBinary(line, source, position, reason), `reject:${source}:${position}`)
  }

  async close(): Promise<void> {
    this.closing.abort(new Error('this inserter is closed'))
    await this.link.close()
  }

  private async store(statement: Sql, bytes: Buffer, token: string): Promise<void> {
    const { signal } = this.closing
    let doubtful = false
    for (let tries = 0; ; tries++) {
      signal.throwIfAborted()
      try {
        await this.link.insert(statement, Readable.from([bytes]), insertSettings(this.address.url, this.abilities, token))
        return
      } catch (error) {
        doubtful ||= error instanceof ClickHouseStoreError && error.reach === 'unanswered'
        const waitMs = waitsMs[tries]
        if (waitMs === undefined || signal.aborted || !isPassing(error) || (doubtful && !this.abilities.tokens)) {
          if (!doubtful || !(error instanceof ClickHouseStoreError)) throw error
          throw new InDoubtError(`${error.message}; whether the row was stored is not known`, { cause: error })
        }
        await delay(waitMs, undefined, { signal }).catch(() => undefined)
      }
    }
  }
}
