/** What a processor says of itself over HTTP: health, readiness, metrics. */
import swagger from '@fastify/swagger'
import { type FastifyInstance, fastify } from 'fastify'
import { Counter, Histogram } from 'prom-client'
import { guard, problemOf, refuseGarbage, sendProblem } from '../http.js'
import { gauge, serveMetrics } from '../metrics.js'
import { Problem, problemSchema } from '../problem.js'
import type { DoneObject, Processing } from './processing.js'
import { healthSchema, readySchema } from './schemas.js'

export interface AppOptions {
  readonly processing: Pick<Processing, 'waiting' | 'refused' | 'inHand' | 'conflicts' | 'takeovers' | 'trouble'>
  readonly token?: string | undefined
  onTrouble?(message: string): void
}

export interface ProcessorApp {
  readonly app: FastifyInstance
  /** To be called with each object whose rows are stored. */
  done(object: DoneObject): void
  /** From now on it says that it is not ready. */
  drain(): void
}

/** For a request to arrive as a whole. */
const arrivalMs = 10_000
const mostConnections = 256
const open = ['/health', '/ready', '/openapi.json']

/** An application that listens nowhere yet. */
export async function processorApp({ processing, token, onTrouble }: AppOptions): Promise<ProcessorApp> {
  let draining = false
  const app = fastify({
    requestTimeout: arrivalMs,
    keepAliveTimeout: 5_000,
    bodyLimit: 1_024,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    clientErrorHandler: refuseGarbage,
    frameworkErrors: (error, _request, reply) => sendProblem(reply, problemOf(error)),
  })
  app.server.maxConnections = mostConnections
  guard(app, { token, open, onTrouble })

  const registry = serveMetrics(app, 'processor')
  const registers = [registry]
  const records = new Counter({
    name: 'weir_processor_records_total',
    help: 'Records of objects, by what became of them: stored, rejected (kept, with the reason), or known (another object had brought them).',
    labelNames: ['fate'],
    registers,
  })
  const objects = new Counter({ name: 'weir_processor_objects_total', help: 'Objects that became rows.', registers })
  const bytes = new Counter({ name: 'weir_processor_line_bytes_total', help: 'Bytes of their lines.', registers })
  const seconds = new Histogram({
    name: 'weir_processor_object_seconds',
    help: 'From taking an object to its rows being stored.',
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers,
  })
  gauge(
    registry,
    'weir_processor_waiting_objects',
    'Objects that were seen and that nobody has taken, up to a thousand.',
    () => processing.waiting,
  )
  gauge(registry, 'weir_processor_objects_in_hand', 'Objects whose rows are on their way.', () => processing.inHand)
  gauge(
    registry,
    'weir_processor_refused_objects',
    'Objects that must not become rows: damaged, forged, or of an unknown key.',
    () => processing.refused,
  )
  gauge(registry, 'weir_processor_conflicts', 'Objects that another processor took first.', () => processing.conflicts)
  gauge(
    registry,
    'weir_processor_takeovers',
    'Objects taken over from processors of which nothing was heard any more.',
    () => processing.takeovers,
  )

  app.addSchema(problemSchema)
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Weir processor', version: '1.0.0', description: 'Turns objects of lines into rows of a store.' },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer', description: 'Only where a token was set.' } } },
      security: [{ token: [] }, {}],
    },
    refResolver: { buildLocalReference: (schema, _base, _fragment, i) => String(schema['$id'] ?? `schema-${i}`) },
  })
  await app.register(async (routes) => {
    routes.get('/health', { schema: healthSchema }, async () => ({ status: 'ok' }))
    routes.get('/ready', { schema: readySchema }, async () => {
      if (draining) throw new Problem(503, 'The processor is being stopped.')
      if (processing.trouble !== undefined) throw new Problem(503, 'The store or the objects cannot be reached at the moment.')
      return { status: 'ready' }
    })
    routes.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger())
  })
  await app.ready()
  return {
    app,
    done(object) {
      objects.inc()
      bytes.inc(object.bytes)
      seconds.observe(object.elapsedMs / 1000)
      records.inc({ fate: 'known' }, object.known)
      for (const { fate, count } of object.receipt) records.inc({ fate }, count)
    },
    drain() {
      draining = true
    },
  }
}
