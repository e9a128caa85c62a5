/** The row-at-a-time target against the plain loop over pg that it claims to be. */
import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { openStore } from '../../stores/index.js'
import { rowTable } from '../../stores/postgres/layout.js'
import { id } from '../../stores/postgres/sql.js'
import { rowColumns } from '../../stores/store.js'
import { interleave, ratioText } from './interleave.js'
import type { Bench } from './stores.js'
import { benchSource, layout, targetRate } from './table-setting.js'

const records = 6000
const pairs = 9

const expression =
  /^(\S+) \S+ (\S+) \[(\d+)\/(\w+)\/(\d+):([^ ]+) ([+-]\d{2})(\d{2})\] "(\S+) (\S+) (\S+)" (\d+) (\S+) "([^"]*)" "([^"]*)"$/
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** What anybody would write: split, match, insert, wait. */
async function plainLoop({ server }: Bench): Promise<number> {
  const source = benchSource()
  const schema = `weir_bench_${randomBytes(4).toString('hex')}`
  const store = await openStore({ store: server.store, url: server.url, schema, layout, format: 'combined' })
  await store.prepare({ kind: 'rows', keeps: 'all' }, source.months(0, records) ?? [])
  const client = new pg.Client({ connectionString: server.url })
  await client.connect()
  try {
    await server.settle()
    const text = `INSERT INTO ${id(schema, rowTable).text} (${rowColumns.join(', ')}) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12)`
    const cursor = await source.open(0)
    const begin = performance.now()
    while (cursor.position < records) {
      const first = cursor.position
      const made = await cursor.next(Math.min(256, records - first))
      if (made === undefined) break
      for (const [i, line] of Buffer.from(made.lines).toString('utf8').trimEnd().split('\n').entries()) {
        const match = expression.exec(line)
        if (match === null) throw new Error(`the plain loop cannot read: ${line}`)
        const [, address, user, day, month = '', year, time, zone, minutes, method, path, protocol, status, bytes, referrer, agent] = match
        const when = `${year}-${String(months.indexOf(month) + 1).padStart(2, '0')}-${day}T${time}${zone}:${minutes}`
        const orNull = (value: string | undefined) => (value === '-' ? null : value)
        const values = [
          1,
          first + i,
          when,
          address,
          user === '-' ? '' : user,
          method,
          path,
          protocol,
          status,
          orNull(bytes),
          orNull(referrer),
          orNull(agent),
        ]
        await client.query({ name: 'plain', text, values })
      }
    }
    return (records * 1000) / (performance.now() - begin)
  } finally {
    await client.end()
    await store.drop()
    await store.close()
  }
}

export async function baselineBench(bench: Bench): Promise<string> {
  const source = benchSource()
  const seen = await interleave(
    {
      name: 'row-at-a-time',
      run: () => targetRate(bench.server, source, records, { name: 'row-at-a-time', chunkRecords: 256 }, bench.scratch),
    },
    { name: 'plain loop', run: () => plainLoop(bench) },
    pairs,
  )
  return `row-at-a-time / a plain loop over pg of the same shape: ${ratioText(seen)} (wanted: within 10%)`
}
