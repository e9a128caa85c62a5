/** weir clean: lists what a crash left behind, and removes it when told to. */
import { resolve } from 'node:path'
import type { PlannedStore } from '../replay/plan.js'
import { startServer, storeIn } from '../stores/index.js'
import type { StoreServer } from '../stores/store.js'
import { storeNamed } from './catalogue.js'
import { type Context, defineCommand, toggle, value } from './command.js'
import { RunFailed, UsageError } from './errors.js'
import { leftovers, removeLeftover } from './leftovers.js'

interface Item {
  readonly line: string
  remove(): Promise<void>
}

export const clean = defineCommand({
  name: 'clean',
  summary: 'Lists what a crash left behind, and removes it with --yes.',
  options: {
    yes: toggle({ alias: 'y', summary: 'remove it without asking' }),
    'dry-run': toggle({ summary: 'list it only' }),
    store: value({
      alias: 's',
      placeholder: 'URL',
      flagOnly: true,
      summary: 'the weir_ schemas of a server too, kept ones included',
      parse: storeNamed,
    }),
    data: value({
      placeholder: 'DIR',
      flagOnly: true,
      summary: 'the same for the data directory of a kept embedded server',
      parse: (text) => text,
    }),
  },
  positionals: [],
  targetOptions: false,
  examples: ['weir clean --dry-run', 'weir clean --yes'],

  async handler(values, context) {
    if (values.yes && values['dry-run']) throw new UsageError('--yes and --dry-run contradict each other; give one of them')
    // Looked for before a server is started here, which has folders of its own.
    const local = localItems()
    const server = await serverOf(values.store, values.data, context)
    try {
      const items = [...local, ...(server ? await schemaItems(server) : [])]
      if (items.length === 0) return { status: 0, output: 'nothing was left behind\n' }
      const listed = items.map(({ line }) => `${line}\n`).join('')
      if (values['dry-run']) return { status: 0, output: listed }
      if (!values.yes) {
        context.notice(listed.trimEnd())
        const answer = await context.ask(`Remove ${items.length === 1 ? 'it' : `all ${items.length}`}?`)
        if (answer === undefined) throw new UsageError('nobody is there to ask: add --yes to remove this, or --dry-run to list it')
        if (!answer) return { status: 0, output: 'nothing was removed\n' }
      }
      return { status: 0, output: await removeAll(items) }
    } finally {
      await server?.close()
    }
  },
})

async function serverOf(store: PlannedStore | undefined, data: string | undefined, { cwd }: Context): Promise<StoreServer | undefined> {
  const dataDirectory = data === undefined ? undefined : resolve(cwd, data)
  if (store !== undefined && store.url !== '' && data !== undefined)
    throw new UsageError('--data is the folder of an embedded server; a store given by URL keeps its own')
  if (store !== undefined && store.url !== '') return startServer({ store: store.url, durability: 'power' })
  if (dataDirectory === undefined) {
    if (store === undefined) return undefined
    throw new UsageError(`which ${store.name}? Give the URL of a server, or --data DIR for what weir run --keep --data DIR left`)
  }
  // A server that is started for nothing would leave a data directory where there was none.
  const name = store?.name ?? storeIn(dataDirectory)
  if (name === undefined || storeIn(dataDirectory) === undefined) throw new UsageError(`${data} is no data directory of an embedded server`)
  return startServer({ store: name, durability: 'power', dataDirectory })
}

function localItems(): readonly Item[] {
  return leftovers().map((leftover) => {
    const servers = leftover.servers.length === 0 ? '' : `, with ${leftover.servers.length} processes running in it`
    return {
      line: `folder ${leftover.path}, of ${new Date(leftover.createdMs).toISOString().slice(0, 19)}Z${servers}`,
      remove: () => removeLeftover(leftover),
    }
  })
}

async function schemaItems(server: StoreServer): Promise<readonly Item[]> {
  return (await server.runs()).map(({ schema, createdAt, bytes }) => ({
    line: `schema ${schema}, of ${createdAt}, ${(bytes / 1e6).toFixed(1)} MB`,
    remove: () => server.drop(schema),
  }))
}

async function removeAll(items: readonly Item[]): Promise<string> {
  const failures: string[] = []
  let output = ''
  for (const { line, remove } of items) {
    try {
      await remove()
      output += `removed ${line}\n`
    } catch (error) {
      failures.push(`${line} could not be removed: ${(error as Error).message}`)
    }
  }
  if (failures.length > 0) throw new RunFailed(`${output}${failures.join('\n')}`)
  return output
}
