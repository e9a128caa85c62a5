/** The analytics service as a Fastify application: validation, tokens, problem documents and the OpenAPI document around the routes. */
import type { Socket } from 'node:net'
import swagger from '@fastify/swagger'
import { type FastifyError, type FastifyInstance, type FastifyReply, fastify } from 'fastify'
import { patienceMs, questionsAtOnce } from '../../stores/analytics.js'
import { bearer } from '../bearer.js'
import { Gate } from '../gate.js'
import { Problem, problemSchema, problemType } from '../problem.js'
import { type Ask, questions } from './routes.js'
import { healthSchema, readySchema } from './schemas.js'

/** Questions that may wait for their turn, and how long. */
const waiting = 32
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
  const gated: Ask = (question) => gate.through(() => ask(question))
  const isKnown = token === undefined ? () => true : bearer(token)
  let closing = false

  const app = fastify({
    ajv: { customOptions: { removeAdditional: false, coerceTypes: true, allErrors: false } },
    requestTimeout: arrivalMs,
    connectionTimeout: patienceMs + 2 * waitMs,
    keepAliveTimeout: 5_000,
    bodyLimit: 1_024,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    clientErrorHandler: refuseGarbage,
    frameworkErrors: (error, _request, reply) => send(reply, problemOf(error)),
  })
  app.server.maxConnections = mostConnections

  const paths: RegExp[] = []
  app.addHook('onRoute', ({ url }) => void paths.push(new RegExp(`^${url.replaceAll('.', '\\.').replaceAll(/:[^/]+/g, '[^/]+')}$`)))
  app.addHook('onRequest', async (request, reply) => {
    const path = request.url.split('?')[0] ?? ''
    if (!open.includes(path) && !isKnown(request.headers.authorization)) {
      throw new Problem(401, 'This service wants a token: send it as "Authorization: Bearer TOKEN".', { 'www-authenticate': 'Bearer' })
    }
    if (!request.is404) return
    // Before the body is looked at: nothing here takes one.
    return send(reply, paths.some((known) => known.test(path)) ? notAllowed(request.method) : nowhere())
  })
  app.addHook('onSend', async (_request, reply) => {
    reply.headers({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' })
    // A connection that stayed open would hold the end up.
    if (closing) reply.header('connection', 'close')
  })
  app.addHook('preClose', async () => {
    closing = true
  })
  app.setNotFoundHandler((_request, reply) => send(reply, nowhere()))
  app.setErrorHandler<FastifyError>((error, _request, reply) => {
    const problem = problemOf(error)
    if (problem.status === 500) onTrouble?.(error.stack ?? error.message)
    return send(reply, problem)
  })

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
    routes.get('/ready', { schema: readySchema }, async () => {
      await gated((analytics) => analytics.hits({ fromMs: 0, toMs: 0 }, 'day', { limit: 1, offset: 0 }))
      return { status: 'ready' }
    })
    routes.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger())
  })
  await app.ready()
  return app
}

function send(reply: FastifyReply, problem: Problem): FastifyReply {
  // As bytes, so that no schema of the route is asked how to write it.
  return reply
    .code(problem.status)
    .headers(problem.headers)
    .type(problemType)
    .send(Buffer.from(JSON.stringify(problem.document())))
}

function nowhere(): Problem {
  return new Problem(404, 'There is nothing here: /openapi.json lists what there is.')
}

function notAllowed(method: string): Problem {
  return new Problem(405, `${method} is not for this: ask with GET.`, { allow: 'GET, HEAD' })
}

function problemOf(error: FastifyError | Error): Problem {
  if (error instanceof Problem) return error
  const { validation, validationContext, statusCode } = error as FastifyError
  const [first] = validation ?? []
  if (first !== undefined) {
    const unknown = first.params['additionalProperty']
    const name = first.instancePath.slice(1)
    const allowed = first.params['allowedValues']
    const what = validationContext === 'params' ? `part "${name}" of the path` : `parameter "${name}"`
    if (unknown !== undefined) return new Problem(400, `There is no parameter "${clipped(String(unknown))}" here.`)
    return new Problem(400, `The ${what} ${first.message}${Array.isArray(allowed) ? `: ${allowed.join(', ')}` : ''}.`)
  }
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) return new Problem(statusCode, `${clipped(error.message)}.`)
  return new Problem(500, 'Something went wrong in the service itself.')
}

function clipped(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}...` : text
}

/** What is no HTTP, or came too slowly, meets no route. */
function refuseGarbage(error: Error & { readonly code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const late = error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
  const large = error.code === 'HPE_HEADER_OVERFLOW'
  const problem = new Problem(
    late ? 408 : large ? 431 : 400,
    late ? 'The request took too long.' : large ? 'The headers are too large.' : 'That is no HTTP.',
  )
  const { title, status } = problem.document()
  const body = JSON.stringify(problem.document())
  socket.end(
    `HTTP/1.1 ${status} ${title}\r\nContent-Type: ${problemType}\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  )
}
