/** Where a service that serves a run finds it: a server by URL, or one that is started on the folder that a run was kept in. */
import { resolve } from 'node:path'
import { openRun, usualSchema } from '../services/processor/run.js'
import { openStore, startServer, storeIn } from '../stores/index.js'
import type { Store, StoreServer } from '../stores/store.js'
import { redactUrl } from '../stores/url.js'
import { UsageError } from './errors.js'
import { defaultPartitions } from './scenario-options.js'
import { unknown } from './suggest.js'

/** Options that say where. */
export const placeOptions = ['store', 'data', 'schema'] as const

export interface Place {
  readonly store: Store
  close(): Promise<void>
}

export interface Where {
  readonly store: { readonly name: string; readonly url: string } | undefined
  readonly data: string | undefined
  readonly schema: string | undefined
}

/** The run to serve, and the server that holds it where that is started here. */
export async function openPlace(where: Where, cwd: string): Promise<Place> {
  const { store, data, schema } = given(where, cwd)
  // A server given by URL is asked for its runs only where none is named: a user who may but read is enough then.
  const server = store.url !== '' && schema?.startsWith('weir_') ? undefined : await start(store, data)
  return holding(server, async () =>
    openStore({
      store: store.name,
      url: server?.url ?? store.url,
      schema: server === undefined ? (schema ?? '') : await runOn(server, schema),
      // How rows are split, and how their lines looked, concerns writers and audits alone.
      layout: { partitionKey: 'id', partitions: 1 },
      format: 'combined',
    }),
  )
}

/** The run to write into, which is made if it is not there. */
export async function openPlaceToWrite(where: Where, cwd: string): Promise<Place> {
  const { store, data, schema = usualSchema } = given(where, cwd)
  if (!schema.startsWith('weir_')) throw new UsageError(`a run to write into is named whole: weir_${schema}`)
  const server = await start(store, data)
  return holding(server, () => openRun(server, schema, { partitionKey: 'id', partitions: defaultPartitions }))
}

function given({ store: asked, data, schema }: Where, cwd: string) {
  const folder = data === undefined ? undefined : resolve(cwd, data)
  const store = asked ?? { name: (folder === undefined ? undefined : storeIn(folder)) ?? 'postgres', url: '' }
  if (store.name === 'null') throw new UsageError('the null store keeps nothing, so there is nothing to serve')
  if (store.url === '' && folder === undefined) {
    throw new UsageError('say where the run lies: --store postgres://... or --data DIR (of weir run --keep --data DIR)')
  }
  if (store.url !== '' && folder !== undefined) throw new UsageError('--store with a URL and --data name two places; give one of them')
  return { store, data: folder, schema }
}

function start(store: { readonly name: string; readonly url: string }, dataDirectory: string | undefined): Promise<StoreServer> {
  return startServer({
    store: store.url === '' ? store.name : store.url,
    durability: 'power',
    ...(dataDirectory === undefined ? {} : { dataDirectory }),
  })
}

/** The server ends with the run, and at once when that cannot be opened. */
async function holding(server: StoreServer | undefined, open: () => Promise<Store>): Promise<Place> {
  try {
    const store = await open()
    return {
      store,
      async close() {
        await store.close()
        await server?.close()
      },
    }
  } catch (error) {
    await server?.close()
    throw error
  }
}

/** The run that was asked for, or the only one. */
async function runOn(server: StoreServer, asked: string | undefined): Promise<string> {
  const runs = await server.runs()
  const schemas = runs.map(({ schema }) => schema)
  const where = redactUrl(server.url)
  if (asked !== undefined) {
    const [found, another] = schemas.includes(asked) ? [asked] : schemas.filter((schema) => schema.endsWith(`_${asked}`))
    if (found === undefined) throw new UsageError(unknown('run', asked, schemas))
    if (another !== undefined) throw new UsageError(`"${asked}" ends the names of several runs: ${found}, ${another}; give more of it`)
    return found
  }
  const [only, ...others] = schemas
  if (only === undefined) throw new UsageError(`no run lies at ${where}: weir run --keep leaves one`)
  if (others.length > 0) {
    const listed = runs.map(({ schema, createdAt, bytes }) => `  ${schema}  of ${createdAt}, ${(bytes / 1e6).toFixed(1)} MB`)
    throw new UsageError(`${runs.length} runs lie at ${where}; say which with --schema:\n${listed.join('\n')}`)
  }
  return only
}
