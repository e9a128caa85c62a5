/** The run that processors write into: made by the first of them, found again by the others and by the next. */
import { openStore } from '../../stores/index.js'
import type { Layout, Store, StoreServer } from '../../stores/store.js'

/** Unless told otherwise: the same every time, so that a processor that is started again goes on. */
export const usualSchema = 'weir_processor'

/**
 * Opens a run's tables, and makes them if they are not there.
 * @param layout of a new run; one that is there keeps its own
 * @throws Error that says what was wrong
 */
export async function openRun(server: StoreServer, schema: string, layout: Layout): Promise<Store> {
  const there = await layoutOf(server, schema)
  if (there !== undefined) return open(server, schema, there)
  const own = server.layoutOf(layout)
  const store = await open(server, schema, own)
  try {
    await store.prepare({ kind: 'rows', keeps: 'all' }, [])
    await store.remember({ layout: { ...own } })
    return store
  } catch (error) {
    await store.close()
    // Another one may have made it at the same moment.
    const others = await layoutOf(server, schema).catch(() => undefined)
    if (others !== undefined) return open(server, schema, others)
    throw error
  }
}

/** Undefined when there is no such run. */
async function layoutOf(server: StoreServer, schema: string): Promise<Layout | undefined> {
  const run = (await server.runs()).find((one) => one.schema === schema)
  if (run === undefined) return undefined
  const layout = run.memory?.['layout'] as Layout | undefined
  if (layout === undefined) {
    throw new Error(`the run ${schema} does not say how its rows are split, so nothing can be added to it: name another schema`)
  }
  return layout
}

function open(server: StoreServer, schema: string, layout: Layout): Promise<Store> {
  return openStore({ store: server.store, url: server.url, schema, layout, format: 'combined' })
}
