/** What Weir's HTTP services have in common: tokens, problem documents, and what meets no route. */
import { constants, type Http2ServerRequest } from 'node:http2'
import type { Socket } from 'node:net'
import type { FastifyError, FastifyInstance, FastifyReply } from 'fastify'
import { bearer } from './bearer.js'
import { Problem, problemType } from './problem.js'

export interface GuardOptions {
  /** What callers have to show; undefined: nothing. */
  readonly token?: string | undefined
  /** Paths that are open to everybody: they tell nothing about anybody's records. */
  readonly open: readonly string[]
  /** Told about errors of the service itself. */
  readonly onTrouble?: ((message: string) => void) | undefined
}

/** Has an application ask for the token first, and answer every error with a problem document. To be called before the routes are there. */
export function guard(app: FastifyInstance, { token, open, onTrouble }: GuardOptions): void {
  const isKnown = token === undefined ? () => true : bearer(token)
  const routes: { readonly path: RegExp; readonly method: string }[] = []
  let closing = false
  app.addHook('onRoute', ({ url, method }) => {
    const path = new RegExp(`^${url.replaceAll('.', '\\.').replaceAll(/:[^/]+/g, '[^/]+')}$`)
    for (const one of [method].flat()) routes.push({ path, method: one })
  })
  app.addHook('onRequest', async (request, reply) => {
    const path = request.url.split('?')[0] ?? ''
    if (!open.includes(path) && !isKnown(request.headers.authorization)) {
      throw new Problem(401, 'This service wants a token: send it as "Authorization: Bearer TOKEN".', { 'www-authenticate': 'Bearer' })
    }
    if (!request.is404) return
    // Before the body is looked at.
    const allowed = [...new Set(routes.filter((route) => route.path.test(path)).map(({ method }) => method))]
    return sendProblem(reply, allowed.length > 0 ? notAllowed(request.method, allowed) : nowhere())
  })
  app.addHook('onSend', async (request, reply) => {
    reply.headers({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' })
    // A connection that stayed open would hold the end up. HTTP/2 has no such header.
    if (closing && request.raw.httpVersionMajor < 2) reply.header('connection', 'close')
  })
  app.addHook('preClose', async () => {
    closing = true
  })
  app.setNotFoundHandler((_request, reply) => sendProblem(reply, nowhere()))
  app.setErrorHandler<FastifyError>((error, _request, reply) => {
    const problem = problemOf(error)
    if (problem.status === 500) onTrouble?.(error.stack ?? error.message)
    return sendProblem(reply, problem)
  })
}

export function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  // HTTP/2 knows no such header, and refuses it.
  const { connection, ...others } = problem.headers
  const { raw } = reply.request
  const headers = connection === undefined || raw.httpVersionMajor > 1 ? others : { ...others, connection }
  // There the stream goes with the answer, not the connection: nothing more of it is read (RFC 9113, 8.1).
  if (connection !== undefined && raw.httpVersionMajor > 1) {
    const { stream } = raw as unknown as Http2ServerRequest
    stream.once('finish', () => stream.close(constants.NGHTTP2_NO_ERROR))
  }
  // As bytes, so that no schema of the route is asked how to write it.
  return reply
    .code(problem.status)
    .headers(headers)
    .type(problemType)
    .send(Buffer.from(JSON.stringify(problem.document())))
}

function nowhere(): Problem {
  return new Problem(404, 'There is nothing here: /openapi.json lists what there is.')
}

function notAllowed(method: string, allowed: readonly string[]): Problem {
  return new Problem(405, `${method} is not for this: use ${allowed[0]}.`, { allow: allowed.join(', ') })
}

export function problemOf(error: FastifyError | Error): Problem {
  if (error instanceof Problem) return error
  const { validation, validationContext, statusCode } = error as FastifyError
  const [first] = validation ?? []
  if (first !== undefined) {
    const unknown = first.params['additionalProperty']
    const name = first.instancePath.slice(1)
    const allowed = first.params['allowedValues']
    const what =
      validationContext === 'params'
        ? `part "${name}" of the path`
        : `${validationContext === 'headers' ? 'header' : 'parameter'} "${name}"`
    if (unknown !== undefined) return new Problem(400, `There is no parameter "${clipped(String(unknown))}" here.`)
    return new Problem(400, `The ${what} ${first.message}${Array.isArray(allowed) ? `: ${allowed.join(', ')}` : ''}.`)
  }
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) return new Problem(statusCode, `${clipped(error.message)}.`)
  return new Problem(500, 'Something went wrong in the service itself.')
}

function clipped(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}...` : text
}

/** For Fastify's `clientErrorHandler`: what is no HTTP, or came too slowly, meets no route. */
export function refuseGarbage(error: Error & { readonly code?: string }, socket: Socket): void {
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
