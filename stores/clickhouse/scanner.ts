/** Reads rows back as they lie, partition by partition, by the parts that the server itself says belong to each. */
import type { Block, PositionFilter, Scanner, StoreAddress } from '../store.js'
import { monthOf, partitionsOf, rejectColumnList, rejectTable, rowColumnList, rowTable } from './layout.js'
import { Link } from './link.js'
import { id, type Sql, sql } from './sql.js'

export class ClickHouseScanner implements Scanner {
  readonly encoding = 'row-binary'

  constructor(private readonly address: StoreAddress) {}

  async *rows(filter?: PositionFilter): AsyncGenerator<Block> {
    const { url, schema } = this.address
    const link = new Link(url)
    try {
      for (const { name } of await partitionsOf(link, schema, rowTable)) {
        const month = monthOf(name)
        const partition = month === undefined ? undefined : { month, remainder: 0 }
        // Servers of every age have the part's name, which begins with the partition's.
        const within = sql`substring(_part, 1, ${name.length + 1}) = ${`${name}_`}${condition(filter)}`
        const question = sql`SELECT ${rowColumnList} FROM ${id(schema, rowTable)} WHERE ${within} FORMAT RowBinary`
        for await (const bytes of link.stream(question, scanning)) yield { partition, bytes }
      }
    } finally {
      await link.close()
    }
  }

  async *rejects(filter?: PositionFilter): AsyncGenerator<Block> {
    const { url, schema } = this.address
    const link = new Link(url)
    try {
      const question = sql`SELECT ${rejectColumnList} FROM ${id(schema, rejectTable)} WHERE 1${condition(filter)} FORMAT RowBinary`
      for await (const bytes of link.stream(question, scanning)) yield { partition: undefined, bytes }
    } finally {
      await link.close()
    }
  }
}

/** An audit may last longer than queries may elsewhere. */
const scanning = { max_execution_time: 0 }

function condition(filter: PositionFilter | undefined): Sql {
  if (filter === undefined) return sql``
  return sql` AND source = ${filter.source} AND position >= ${filter.from} AND position < ${filter.to}`
}
