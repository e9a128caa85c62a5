/** The analytics service as a Fastify application: validation, limits and the OpenAPI document around the routes. */
import swagger from '@fastify/swagger'
import { type FastifyInstance, fastify } from 'fastify'
import { patienceMs, questionsAtOnce } from '../../stores/analytics.js'
import { Gate } from '../gate.js'
import { guard, problemOf, refuseGarbage, sendProblem } from '../http.js'
import { gauge, serveMetrics } from '../metrics.js'
import { problemSchema } from '../problem.js'
import { type Ask, type AskFor, questions } from './routes.js'
import { healthSchema, published, readySchema } from './schemas.js'

/** Questions that may wait for their turn, and how long. */
export const waiting = 32
const waitMs = 10_000
/** For a request to arrive as a whole. */
const arrivalMs = 10_000
/** More connections than that are closed as they come. */
const mostConnections = 1_024
/** Open to everybody: they tell nothing about the store's contents. */
const open = ['/health', '/ready', '/openapi.json']

export interface AppOptions {
  readonly ask: Ask
  readonly token?: string
  /** Told about errors of the service itself. */
  onTrouble?(message: string): void
}

/** An application that listens nowhere yet. */
export async function analyticsApp({ ask, token, onTrouble }: AppOptions): Promise<FastifyInstance> {
  const gate = new Gate({ atOnce: questionsAtOnce, waiting, patienceMs: waitMs })
  const gated: AskFor = (caller, question) => gate.through(() => ask(question), caller)

  const app = fastify({
    ajv: { customOptions: { removeAdditional: false, coerceTypes: true, allErrors: false } },
    requestTimeout: arrivalMs,
    connectionTimeout: patienceMs + 2 * waitMs,
    keepAliveTimeout: 5_000,
    bodyLimit: 1_024,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    clientErrorHandler: refuseGarbage,
    frameworkErrors: (error, _request, reply) => sendProblem(reply, problemOf(error)),
  })
  app.server.maxConnections = mostConnections

  guard(app, { token, open, onTrouble })
  const registry = serveMetrics(app, 'analytics')
  gauge(registry, 'weir_analytics_waiting_questions', 'Questions that wait for their turn to be put to the store.', () => gate.waiting)
  gauge(registry, 'weir_analytics_questions_in_hand', 'Questions that the store is working on.', () => gate.inHand)
  app.addSchema(problemSchema)
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Weir analytics',
        version: '1.0.0',
        description: 'What the records of one run say: exact answers over the months in a span of time, the same from every store.',
      },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer', description: 'Only where a token was set.' } } },
      security: [{ token: [] }, {}],
    },
    refResolver: { buildLocalReference: (schema, _base, _fragment, i) => String(schema['$id'] ?? `schema-${i}`) },
  })
  // Routes in a plugin of their own, so that the document's plugin is there before them.
  await app.register(async (routes) => {
    questions(routes, gated)
    routes.get('/health', { schema: healthSchema }, async () => ({ status: 'ok' }))
    routes.get('/ready', { schema: readySchema }, async ({ signal }) => {
      await gated(signal, (analytics) => analytics.hits({ fromMs: 0, toMs: 0 }, 'day', { limit: 1, offset: 0 }))
      return { status: 'ready' }
    })
    routes.get('/openapi.json', { schema: { hide: true } }, async () => published(app.swagger()))
  })
  await app.ready()
  return app
}
