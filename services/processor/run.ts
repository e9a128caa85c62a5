/** The run that processors write into: made by the first of them, found again by the others and by the next. */
import { setTimeout as pause } from 'node:timers/promises'
import { openStore } from '../../stores/index.js'
import type { Layout, Store, StoreServer } from '../../stores/store.js'

/** Tables come before what is remembered of them: between two looks for that. */
const lookMs = 100
const unlistedLooks = 10

/** Unless told otherwise: the same every time, so that a processor that is started again goes on. */
export const usualSchema = 'weir_processor'

/**
 * Opens a run's tables, and makes them if they are not there.
 * @param layout of a new run; one that is there keeps its own
 * @param patience for another one that is just making it: how often it is looked at, 100 ms apart
 * @throws Error that says what was wrong
 */
export async function openRun(server: StoreServer, schema: string, layout: Layout, patience = 100): Promise<Store> {
  const there = await layoutOf(server, schema, patience)
  if (there !== undefined) return open(server, schema, there)
  const own = server.layoutOf(layout)
  const store = await open(server, schema, own)
  try {
    await store.prepare({ kind: 'rows', keeps: 'all' }, [])
    await store.remember({ layout: { ...own } })
    return store
  } catch (error) {
    await store.close()
    // Another one may be making it at this moment; a run is listed a little after its name is taken.
    for (let looks = 0; looks < unlistedLooks; looks++) {
      const others = await layoutOf(server, schema, patience).catch(() => undefined)
      if (others !== undefined) return open(server, schema, others)
      await pause(lookMs)
    }
    throw error
  }
}

/** Undefined when there is no such run. @throws Error when there is one that nobody finishes */
async function layoutOf(server: StoreServer, schema: string, patience: number): Promise<Layout | undefined> {
  for (let looks = 0; looks < patience; looks++) {
    if (looks > 0) await pause(lookMs)
    const run = (await server.runs()).find((one) => one.schema === schema)
    if (run === undefined) return undefined
    const layout = run.memory?.['layout'] as Layout | undefined
    if (layout !== undefined) return layout
  }
  throw new Error(
    `the run ${schema} does not say how its rows are split: whoever made it came to its end before. Nothing can be added to it: remove it with weir clean, or name another schema`,
  )
}

function open(server: StoreServer, schema: string, layout: Layout): Promise<Store> {
  return openStore({ store: server.store, url: server.url, schema, layout, format: 'combined' })
}
