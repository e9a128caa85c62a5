/** weir serve: runs an HTTP service, until it is told to stop. */
import { resolve } from 'node:path'
import { services } from '../services/index.js'
import type { RunningService } from '../services/service.js'
import { openStore, startServer, storeIn } from '../stores/index.js'
import type { Store, StoreServer } from '../stores/store.js'
import { redactUrl } from '../stores/url.js'
import { storeNamed } from './catalogue.js'
import { type Context, defineCommand, toggle, value } from './command.js'
import { Interrupted, UsageError } from './errors.js'
import { parseCount } from './quantities.js'
import { receiverOptions, receiverSettings } from './receiver-options.js'
import { unknown } from './suggest.js'

const loopback = ['127.0.0.1', '::1', 'localhost']
const names = services.map(({ name }) => name)

export const serve = defineCommand({
  name: 'serve',
  summary: 'Serves over HTTP: questions about a run, or a place that takes lines in.',
  options: {
    service: value({
      placeholder: 'NAME',
      summary: services.map(({ name, summary }) => `${name}: ${summary}`).join('; '),
      parse: serviceNamed,
    }),
    store: value({ alias: 's', placeholder: 'URL', summary: 'server that holds the run: postgres://user@host/db, ...', parse: storeNamed }),
    data: value({ placeholder: 'DIR', summary: 'or the data directory that weir run --keep --data left', parse: (text) => text }),
    schema: value({ placeholder: 'NAME', summary: 'the run: its schema, or how its name ends (the only one there)', parse: schemaNamed }),
    port: value({ placeholder: 'PORT', summary: 'port to listen on (any free one)', parse: parsePort }),
    host: value({ placeholder: 'HOST', summary: 'address to listen on (127.0.0.1)', parse: (text) => text }),
    token: value({
      placeholder: 'TOKEN',
      summary: 'what callers must show; better set as WEIR_TOKEN, which ps does not show',
      parse: parseToken,
    }),
    openapi: toggle({ summary: 'print the OpenAPI document of the service and end' }),
    ...receiverOptions,
  },
  positionals: ['service'],
  targetOptions: false,
  examples: [
    'weir run -t single-thread -n 100k -s postgres --keep --data kept',
    'weir serve analytics --data kept --schema run_1_single_thread --port 8080',
    'weir serve receiver --objects kept-objects --port 8080',
    'weir serve analytics --openapi',
  ],

  async handler(values, context) {
    const service = values.service
    if (service === undefined) throw new UsageError(`say what to serve: weir serve ${names.join(', weir serve ')}`)
    if (values.openapi) return { status: 0, output: `${JSON.stringify(await service.openapi(), undefined, 2)}\n` }

    const { notice, signal } = context
    const host = values.host ?? '127.0.0.1'
    const options = { host, port: values.port ?? 0, ...(values.token === undefined ? {} : { token: values.token }), onTrouble: notice }
    refuseOthers(service.needs, context)
    const place = service.needs === 'run' ? await openRun(values, context) : undefined
    let running: RunningService | undefined
    try {
      if (service.needs === 'objects') running = await service.start({ ...options, settings: await receiverSettings(values, context.cwd) })
      else if (place !== undefined) running = await service.start({ ...options, store: place.store })
      if (running === undefined) throw new Error('nothing was started')
      if (values.token === undefined && !loopback.includes(host)) {
        notice(`no token is set: everybody who reaches ${host} may ask; set WEIR_TOKEN, or listen on 127.0.0.1`)
      }
      await context.print(`${running.url}\n`)
      await aborted(signal)
    } finally {
      await running?.close()
      await place?.close()
    }
    throw new Interrupted('stopped; every request under way was answered')
  },
})

/** A flag of another service would be ignored without a word. @throws UsageError that names it */
function refuseOthers(needs: 'run' | 'objects', { settings }: Context): void {
  const ofRuns = ['store', 'data', 'schema']
  const given = (needs === 'run' ? Object.keys(receiverOptions) : ofRuns)
    .map((key) => settings.find(key))
    .find((one) => one?.layer === 'flag')
  if (given !== undefined) throw new UsageError(`${given.origin} is not for this service: weir serve --help says which option is for which`)
}

interface Place {
  readonly store: Store
  close(): Promise<void>
}

interface Where {
  readonly store: { readonly name: string; readonly url: string } | undefined
  readonly data: string | undefined
  readonly schema: string | undefined
}

/** The run to serve, and the server that holds it where that is started here. */
async function openRun({ store: asked, data, schema }: Where, { cwd }: Context): Promise<Place> {
  const store = asked ?? { name: (data === undefined ? undefined : storeIn(resolve(cwd, data))) ?? 'postgres', url: '' }
  if (store.name === 'null') throw new UsageError('the null store keeps nothing, so there is nothing to serve')
  if (store.url === '' && data === undefined) {
    throw new UsageError('say where the run lies: --store postgres://... or --data DIR (of weir run --keep --data DIR)')
  }
  if (store.url !== '' && data !== undefined) throw new UsageError('--store with a URL and --data name two places; give one of them')
  // A server given by URL is asked for its runs only where none is named: a user who may but read is enough then.
  const server =
    store.url !== '' && schema?.startsWith('weir_')
      ? undefined
      : await startServer({
          store: store.url === '' ? store.name : store.url,
          durability: 'power',
          ...(data === undefined ? {} : { dataDirectory: resolve(cwd, data) }),
        })
  try {
    const opened = await openStore({
      store: store.name,
      url: server?.url ?? store.url,
      schema: server === undefined ? (schema ?? '') : await runOn(server, schema),
      // How rows are split, and how their lines looked, concerns writers and audits alone.
      layout: { partitionKey: 'id', partitions: 1 },
      format: 'combined',
    })
    return {
      store: opened,
      async close() {
        await opened.close()
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

function serviceNamed(text: string) {
  const service = services.find(({ name }) => name === text)
  if (service === undefined) throw new UsageError(unknown('service', text, names))
  return service
}

/** A schema, or how the name of one ends: the beginning is random. */
function schemaNamed(text: string): string {
  if (!/^[a-z0-9_]+$/.test(text))
    throw new UsageError(`"${text}" is no run: they are called weir_..., in small letters, digits and underscores`)
  return text
}

function parsePort(text: string): number {
  const port = parseCount(text)
  if (port > 65_535) throw new UsageError(`"${text}" is no port: at most 65535`)
  return port
}

/** Never repeats what it was given. */
function parseToken(text: string): string {
  if (!/^[\x21-\x7e]+$/.test(text)) throw new UsageError('a token is of ASCII and has no spaces')
  return text
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    if (signal.aborted) done()
    else signal.addEventListener('abort', () => done(), { once: true })
  })
}
