/** Reads rows back with COPY, leaf partition by leaf partition, each on the place that the catalog says it has. */
import type { Block, PositionFilter, Scanner, StoreAddress } from '../store.js'
import { connect, explain } from './connect.js'
import { copyOut } from './copy-out.js'
import { leaves, rejectColumnList, rejectTable, rowColumnList } from './layout.js'
import { id, type Sql, sql } from './sql.js'

export class PostgresScanner implements Scanner {
  readonly encoding = 'postgres-copy'

  constructor(private readonly address: StoreAddress) {}

  async *rows(filter?: PositionFilter): AsyncGenerator<Block> {
    const { url, schema, layout } = this.address
    const client = await connect(url)
    try {
      for (const leaf of await leaves(client, schema, layout)) {
        const text = copyText(rowColumnList, id(leaf.schema, leaf.name), filter)
        for await (const bytes of copyOut(client, text)) yield { partition: leaf.place, bytes }
      }
    } catch (error) {
      throw explain(error, url)
    } finally {
      // Not `end`: a reader that stopped in the middle of a copy leaves a connection that waits to be read.
      client.connection.stream.destroy()
    }
  }

  async *rejects(filter?: PositionFilter): AsyncGenerator<Block> {
    const { url, schema } = this.address
    const client = await connect(url)
    try {
      const text = copyText(rejectColumnList, id(schema, rejectTable), filter)
      for await (const bytes of copyOut(client, text)) yield { partition: undefined, bytes }
    } catch (error) {
      throw explain(error, url)
    } finally {
      client.connection.stream.destroy()
    }
  }
}

/** A table by its name is read faster than a query of it; a table that holds rows has nothing below it to leave out. */
function copyText(columns: Sql, table: Sql, filter: PositionFilter | undefined): string {
  if (filter === undefined) return sql`COPY ${table} (${columns}) TO STDOUT (FORMAT binary)`.text
  const { source, from, to } = filter
  return sql`COPY (SELECT ${columns} FROM ONLY ${table} WHERE source = ${source} AND position >= ${from} AND position < ${to})
    TO STDOUT (FORMAT binary)`.text
}
