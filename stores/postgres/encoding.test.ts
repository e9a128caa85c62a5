/** Databases by their encoding: one that cannot hold every log is refused, one that keeps bytes as they come is used. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { connect } from './connect.js'
import { GivenServer } from './given-server.js'
import { PostgresStore } from './postgres.js'
import { chunkOf, failure, type Ground, onServers } from './servers.testing.js'

const pathOf = (i: number) => `/straße/${'ü漢😀'.repeat(i % 5)}${i}`
const lines = Array.from(
  { length: 200 },
  (_, i) => `10.0.0.${i} - - [15/Jan/2026:10:00:00 +0000] "GET ${pathOf(i)} HTTP/1.1" 200 ${i} "-" "ä"`,
)

/** Makes a database and opens it as a given server would be; both go afterwards. */
async function inDatabase(ground: Ground, encoding: string, use: (url: string) => Promise<void>): Promise<void> {
  const client = await ground.client()
  const name = `weir_${encoding.toLowerCase()}_${process.pid}`
  await client.query(`CREATE DATABASE ${name} ENCODING '${encoding}' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'`)
  try {
    const url = new URL(ground.url)
    url.pathname = `/${name}`
    await use(url.href)
  } finally {
    await client.query(`DROP DATABASE ${name} WITH (FORCE)`)
  }
}

onServers('a database of LATIN1 is refused, with the way to make a better one', (ground) =>
  inDatabase(ground, 'LATIN1', async (url) => {
    assert.match((await failure(GivenServer.open(url))).message, /is encoded in LATIN1, .*CREATE DATABASE .*UTF8/)
  }),
)

onServers('a database of SQL_ASCII keeps and routes what is not ASCII', (ground) =>
  inDatabase(ground, 'SQL_ASCII', async (url) => {
    const server = await GivenServer.open(url)
    const layout = { partitionKey: 'path', partitions: 3 } as const
    const store = new PostgresStore({ store: 'postgres', url, schema: 'weir_ascii', layout, format: 'combined' })
    await store.prepare({ kind: 'rows', keeps: 'all' }, ['2026-01'])
    // Into the leaves, which refuse what does not belong there.
    const writer = await store.writer({ routed: true })
    try {
      assert.equal(await writer.write([chunkOf(lines)]), [{ source: 1, first: 0, count: 200, fate: 'stored' }])
      const client = await connect(url)
      const { rows } = await client.query<{ path: string }>('SELECT path FROM weir_ascii.nginx_logfile_row ORDER BY position')
      await client.end()
      assert.equal(
        rows.map(({ path }) => path),
        lines.map((_, i) => pathOf(i)),
      )
    } finally {
      await writer.close()
      await store.close()
      await server.close()
    }
  }),
)

test.run()
