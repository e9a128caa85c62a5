/** weir serve: runs an HTTP service, until it is told to stop. */
import { services } from '../services/index.js'
import type { RunningService, ServiceModule } from '../services/service.js'
import { storeNamed } from './catalogue.js'
import { type Context, defineCommand, toggle, value } from './command.js'
import { Interrupted, UsageError } from './errors.js'
import { processorOptions, processorSettings } from './processor-options.js'
import { parseCount } from './quantities.js'
import { receiverOptions, receiverScale, receiverSettings, sharedOptions } from './receiver-options.js'
import { openPlace, openPlaceToWrite, type Place, placeOptions, type Where } from './serve-place.js'
import { unknown } from './suggest.js'

const loopback = ['127.0.0.1', '::1', 'localhost']
const names = services.map(({ name }) => name)

export const serve = defineCommand({
  name: 'serve',
  summary: 'Serves over HTTP: questions about a run, or lines on their way into one.',
  options: {
    service: value({ placeholder: 'NAME', summary: `${services.map(({ name }) => name).join(', ')}; see weir list`, parse: serviceNamed }),
    store: value({ alias: 's', placeholder: 'URL', summary: 'server that holds the run: postgres://user@host/db, ...', parse: storeNamed }),
    data: value({ placeholder: 'DIR', summary: 'or the data directory that weir run --keep --data left', parse: (text) => text }),
    schema: value({ placeholder: 'NAME', summary: 'the run, or how its name ends (the only one there)', parse: schemaNamed }),
    port: value({ placeholder: 'PORT', summary: 'port to listen on (any free one)', parse: parsePort }),
    host: value({ placeholder: 'HOST', summary: 'address to listen on (127.0.0.1)', parse: (text) => text }),
    token: value({
      placeholder: 'TOKEN',
      summary: 'what callers must show; as WEIR_TOKEN ps does not show it',
      parse: parseToken,
    }),
    openapi: toggle({ summary: 'print the OpenAPI document of the service and end' }),
    ...receiverOptions,
    ...processorOptions,
  },
  positionals: ['service'],
  targetOptions: false,
  examples: [
    'weir run -t single-thread -n 100k -s postgres --keep --data kept',
    'weir serve analytics --data kept --schema run_1_single_thread --port 8080',
    'weir serve receiver --objects kept-objects --port 8080',
    'weir serve processor --objects kept-objects --data kept',
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
    // Mistakes in them are told of before anything is started.
    const intake = service.needs === 'objects' ? await receiverSettings(values, context.cwd) : undefined
    const scale = service.needs === 'objects' ? receiverScale(values, notice) : undefined
    const processing = service.needs === 'objects and run' ? await processorSettings(values, context.cwd) : undefined
    const place = await placeFor(service.needs, values, context.cwd)
    let running: RunningService | undefined
    try {
      if (service.needs === 'objects' && intake !== undefined) {
        running = await service.start({ ...options, settings: intake, scale })
      } else if (service.needs === 'run' && place !== undefined) running = await service.start({ ...options, store: place.store })
      else if (service.needs === 'objects and run' && place !== undefined && processing !== undefined) {
        running = await service.start({ ...options, store: place.store, settings: processing })
      }
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

/** Options of some services, by what these need; an option of another service would be ignored without a word. */
const optionsOf: Readonly<Record<ServiceModule['needs'], readonly string[]>> = {
  run: placeOptions,
  objects: Object.keys(receiverOptions),
  'objects and run': [...placeOptions, ...sharedOptions, ...Object.keys(processorOptions)],
}

/** @throws UsageError that names an option that is not for this service */
function refuseOthers(needs: ServiceModule['needs'], { settings }: Context): void {
  const others = Object.values(optionsOf)
    .flat()
    .filter((key) => !optionsOf[needs].includes(key))
  const given = others.map((key) => settings.find(key)).find((one) => one?.layer === 'flag')
  if (given !== undefined) throw new UsageError(`${given.origin} is not for this service: weir serve --help says which option is for which`)
}

function placeFor(needs: ServiceModule['needs'], where: Where, cwd: string): Promise<Place | undefined> {
  if (needs === 'run') return openPlace(where, cwd)
  if (needs === 'objects and run') return openPlaceToWrite(where, cwd)
  return Promise.resolve(undefined)
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
