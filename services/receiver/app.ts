/** The receiver as a Fastify application: POSTed lines in, counts out, and everything that a caller may do wrong answered as a problem. */
import rateLimit from '@fastify/rate-limit'
import swagger from '@fastify/swagger'
import { type FastifyInstance, type FastifyRequest, fastify } from 'fastify'
import { Counter, Histogram, type Registry } from 'prom-client'
import { Inspector } from '../../generators/inspector.js'
import type { Format } from '../../generators/record.js'
import { guard, problemOf, refuseGarbage, sendProblem } from '../http.js'
import { listener, type Tls } from '../listener.js'
import { gauge, serveMetrics } from '../metrics.js'
import { Problem, problemSchema } from '../problem.js'
import { readBody } from './body.js'
import type { Acknowledgement, Intake, StoredBatch } from './intake.js'
import { healthSchema, linesSchema, readySchema, toldRejects } from './schemas.js'
import { countedMs, type Siblings, sharedCounts } from './siblings.js'

export interface AppOptions {
  readonly intake: Intake
  readonly acknowledgement: Acknowledgement
  readonly token?: string | undefined
  readonly tls?: Tls | undefined
  /** Of a body as it is sent, and of what it unpacks to. */
  readonly bodyBytes: number
  readonly unpackedBytes: number
  /** Requests of one address in a second; 0: any number. */
  readonly requestsPerSecond: number
  /** For a request to come as a whole, milliseconds. */
  readonly arrivalMs: number
  /** Connections come from a balancer, which says whose they are. */
  readonly proxied?: boolean
  /** Of a receiver that is one of several. */
  readonly siblings?: Siblings | undefined
  onTrouble?(message: string): void
}

export interface Receiver {
  readonly app: FastifyInstance
  /** Its own metrics, without those of its siblings. */
  readonly registry: Registry
  /** To be called with each batch that became an object. */
  stored(batch: StoredBatch): void
  /** From now on it says that it is not ready, and turns lines away. */
  drain(): void
}

/** More connections than that are closed as they come. */
const mostConnections = 4_096
const mostStreams = 100
const mostSource = 2 ** 31 - 1
/** Paths that tell nothing about anybody's records. */
const open = ['/health', '/ready', '/openapi.json']
/** What a content type says about the lines. */
const contentTypes: Readonly<Record<string, readonly Format[]>> = {
  'text/plain': ['combined', 'common'],
  'application/x-ndjson': ['json'],
}

/** An application that listens nowhere yet. */
export async function receiverApp(options: AppOptions): Promise<Receiver> {
  const { intake, acknowledgement, token, onTrouble, arrivalMs, proxied = false, siblings } = options
  const inspector = new Inspector()
  let draining = false
  let endSessions = () => {}

  const app = fastify({
    serverFactory: (handler) => {
      const made = listener(handler, { tls: options.tls, arrivalMs, mostConnections, mostStreams, proxied })
      endSessions = () => made.endSessions()
      made.server.on('clientError', (error: Error, socket) => refuseGarbage(error, socket as never))
      return made.server
    },
    ajv: { customOptions: { removeAdditional: false, coerceTypes: true, allErrors: false } },
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    frameworkErrors: (error, _request, reply) => sendProblem(reply, problemOf(error)),
  })
  if (options.requestsPerSecond > 0) {
    await app.register(rateLimit, {
      global: false,
      max: options.requestsPerSecond,
      timeWindow: countedMs,
      ...(siblings === undefined ? {} : { store: sharedCounts(siblings) }),
      allowList: (request) => open.includes(request.url),
      errorResponseBuilder: () => new Problem(429, 'Too many requests from this address: wait a second.', { 'retry-after': '1' }),
    })
    // Before the token is asked for: whoever guesses tokens is limited, too.
    app.addHook('onRequest', app.rateLimit())
  }
  guard(app, { token, open: [...open], onTrouble })
  app.addHook('preClose', async () => endSessions())
  const registry = serveMetrics(app, 'receiver', siblings === undefined ? undefined : () => siblings.metrics())
  const records = new Counter({
    name: 'weir_receiver_records_total',
    help: 'Lines that came, by what became of them: accepted as records, rejected (kept, with the reason), or sent before.',
    labelNames: ['fate'],
    registers: [registry],
  })
  const objects = new Counter({ name: 'weir_receiver_objects_total', help: 'Batches that became objects.', registers: [registry] })
  const objectBytes = new Counter({ name: 'weir_receiver_object_bytes_total', help: 'Bytes of these objects.', registers: [registry] })
  const flush = new Histogram({
    name: 'weir_receiver_flush_seconds',
    help: 'How long it took to seal and store a batch, tries that failed included.',
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers: [registry],
  })
  gauge(registry, 'weir_receiver_held_records', 'Lines in memory that are in no object yet.', () => intake.heldRecords)
  gauge(registry, 'weir_receiver_held_bytes', 'Their bytes.', () => intake.heldBytes)

  app.addSchema(problemSchema)
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Weir receiver', version: '1.0.0', description: 'Takes lines of access logs in, and keeps them as objects.' },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer', description: 'Only where a token was set.' } } },
      security: [{ token: [] }, {}],
    },
    refResolver: { buildLocalReference: (schema, _base, _fragment, i) => String(schema['$id'] ?? `schema-${i}`) },
  })
  // The body is read where it is known what it may be.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, _payload, done) => done(null))
  await app.register(async (routes) => {
    routes.post('/v1/lines', { schema: linesSchema }, async (request, reply) => {
      const format = formatOf(request)
      const identity = identityOf(request)
      if (draining) throw new Problem(503, 'The receiver is being stopped. Come back later.', { 'retry-after': '1' })
      const lines = await bodyOf(request, options)
      const { count, rejects } = inspector.survey(lines, format)
      if (count === 0) throw new Problem(400, 'There is no line in the body.')
      const { source, first, duplicate } = await intake.take({ format, count, lines, identity })
      if (duplicate) records.inc({ fate: 'duplicate' }, count)
      else {
        records.inc({ fate: 'accepted' }, count - rejects.length)
        records.inc({ fate: 'rejected' }, rejects.length)
      }
      reply.code(202)
      return {
        accepted: count - rejects.length,
        rejected: rejects.length,
        rejects: rejects.slice(0, toldRejects),
        source,
        first,
        duplicate,
        acknowledged: acknowledgement,
      }
    })
    routes.get('/health', { schema: healthSchema }, async () => ({ status: 'ok' }))
    routes.get('/ready', { schema: readySchema }, async () => {
      if (draining) throw new Problem(503, 'The receiver is being stopped.')
      return { status: 'ready' }
    })
    routes.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger())
  })
  await app.ready()
  return {
    app,
    registry,
    stored({ bytes, elapsedMs }) {
      objects.inc()
      objectBytes.inc(bytes)
      flush.observe(elapsedMs / 1000)
    },
    drain() {
      draining = true
    },
  }
}

/** @throws Problem 415 for anything but lines, 400 for a format that is none of that type */
function formatOf({ headers }: FastifyRequest): Format {
  const type = headers['content-type']?.split(';')[0]?.trim().toLowerCase() ?? ''
  const possible = contentTypes[type]
  if (possible === undefined) throw new Problem(415, `Lines come as one of: ${Object.keys(contentTypes).join(', ')}.`)
  const asked = headers['weir-format']
  const format = asked === undefined ? possible[0] : possible.find((one) => one === asked)
  if (format === undefined) throw new Problem(400, `The header Weir-Format of ${type} is one of: ${possible.join(', ')}.`)
  return format
}

/** @throws Problem 400 for half an identity, or numbers that are none */
function identityOf({ headers }: FastifyRequest): { readonly source: number; readonly first: number } | undefined {
  const [source, first] = [headers['weir-source'], headers['weir-first']]
  if (source === undefined && first === undefined) return undefined
  const number = (name: string, text: string | string[] | undefined, most: number): number => {
    const value = typeof text === 'string' && /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN
    if (!(value <= most))
      throw new Problem(400, `The header ${name} is a whole number from 0 to ${most}; Weir-Source and Weir-First go together.`)
    return value
  }
  return { source: number('Weir-Source', source, mostSource), first: number('Weir-First', first, Number.MAX_SAFE_INTEGER - mostSource) }
}

async function bodyOf(request: FastifyRequest, { intake, bodyBytes, unpackedBytes, arrivalMs }: AppOptions): Promise<Uint8Array> {
  const { raw, headers } = request
  const length = Number(headers['content-length'] ?? 0)
  if (length > bodyBytes) {
    throw new Problem(413, `The body has more than ${bodyBytes} bytes as it is sent: send fewer lines at once.`, { connection: 'close' })
  }
  const encoding = headers['content-encoding']
  let timer: NodeJS.Timeout | undefined
  const deadline = new Promise<never>((_done, fail) => {
    timer = setTimeout(() => fail(new Problem(408, 'The request took too long.', { connection: 'close' })), arrivalMs)
  })
  try {
    const reading = readBody(raw, { encoding, length }, { sentBytes: bodyBytes, unpackedBytes }, intake.buffers, intake)
    return await Promise.race([reading, deadline])
  } catch (error) {
    if (error instanceof Problem || !raw.readableAborted) throw error
    // Nobody reads this; it is no trouble of the service's.
    throw new Problem(400, 'The body did not come to its end.')
  } finally {
    clearTimeout(timer)
  }
}
