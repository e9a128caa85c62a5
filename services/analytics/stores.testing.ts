/** Stores with rows to ask about, written through their own writers: Postgres always, ClickHouse where its engine is installed. */
import { randomBytes } from 'node:crypto'
import type { Chunk } from '../../generators/record.js'
import { isInstalled } from '../../stores/clickhouse/embedded.js'
import { openStore, startServer } from '../../stores/index.js'
import type { Store, StoreServer } from '../../stores/store.js'

export interface Kept {
  readonly name: string
  readonly server: StoreServer
  readonly store: Store
  close(): Promise<void>
}

/** Stores that this machine can start, by name; the others' absence is the test's to tell. */
export const startable: readonly string[] = isInstalled() ? ['postgres', 'clickhouse'] : ['postgres']

/** Starts an embedded server with one run in it. */
export async function storeWith(name: string, chunks: readonly Chunk[], dataDirectory?: string): Promise<Kept> {
  const server = await startServer({ store: name, durability: 'process', ...(dataDirectory === undefined ? {} : { dataDirectory }) })
  try {
    const store = await openStore({
      store: server.store,
      url: server.url,
      schema: `weir_test_${randomBytes(6).toString('hex')}`,
      layout: server.layoutOf({ partitionKey: 'id', partitions: 4 }),
      format: 'combined',
    })
    await store.prepare({ kind: 'rows', keeps: 'all' }, ['2026-01', '2026-02'])
    const writer = await store.writer()
    for (const chunk of chunks) await writer.write([chunk])
    await writer.close()
    return {
      name,
      server,
      store,
      async close() {
        await store.close()
        await server.close()
      },
    }
  } catch (error) {
    await server.close()
    throw error
  }
}
