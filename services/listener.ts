/** A server that speaks HTTP/1.1 and HTTP/2 on one port: with TLS by what both agree on (ALPN), without by how the connection begins. */
import * as http from 'node:http'
import * as http2 from 'node:http2'
import type { Socket } from 'node:net'
import { takeProxied } from './proxied.js'

export interface Tls {
  /** PEM, certificate first, then what vouches for it. */
  readonly cert: string | Buffer
  /** PEM. */
  readonly key: string | Buffer
}

export interface ListenerOptions {
  readonly tls?: Tls | undefined
  /** For a request to come as a whole, and for an idle connection to be let go, milliseconds. */
  readonly arrivalMs: number
  readonly mostConnections: number
  /** Requests at once on one HTTP/2 connection. */
  readonly mostStreams: number
  /** Connections come from a balancer, which says whose they are. */
  readonly proxied?: boolean
}

type Handler = (request: http.IncomingMessage, response: http.ServerResponse) => void

/** What is left to connections once everything is answered and the service ends. */
const endMs = 3_000

/** How an HTTP/2 connection begins that did not agree on it beforehand (RFC 9113, 3.4); no method begins so. */
const preface = Buffer.from('PRI')

/** A server for Fastify's `serverFactory`, and how its HTTP/2 connections are asked to end. */
export function listener(handler: Handler, options: ListenerOptions): { readonly server: http.Server; endSessions(): void } {
  const { tls, arrivalMs, mostConnections, mostStreams, proxied = false } = options
  const sessions = new Set<http2.ServerHttp2Session>()
  const sockets = new Set<Socket>()
  const settings = { settings: { maxConcurrentStreams: mostStreams, maxHeaderListSize: http.maxHeaderSize } }
  const greet = (session: http2.ServerHttp2Session) => {
    sessions.add(session)
    session.once('close', () => sessions.delete(session))
    // What a peer does wrong concerns its own connection.
    session.on('error', () => session.destroy())
    session.setTimeout(arrivalMs, () => session.close())
  }
  const timeouts = { requestTimeout: arrivalMs, headersTimeout: arrivalMs, connectionsCheckingInterval: Math.min(1000, arrivalMs) }
  const http2Handler = handler as unknown as (request: http2.Http2ServerRequest, response: http2.Http2ServerResponse) => void
  let server: http.Server
  if (tls !== undefined) {
    const secure = http2.createSecureServer(
      { ...tls, ...settings, ...timeouts, allowHTTP1: true, handshakeTimeout: arrivalMs },
      http2Handler,
    )
    secure.on('session', greet)
    // A handshake that fails leaves nobody to answer.
    secure.on('tlsClientError', (_error, socket) => socket.destroy())
    server = secure as unknown as http.Server
  } else {
    server = http.createServer({ ...timeouts, keepAliveTimeout: 5_000 }, handler)
    const second = http2.createServer(settings, http2Handler)
    second.on('session', greet)
    const first = server.listeners('connection') as ((socket: Socket) => void)[]
    server.removeAllListeners('connection')
    server.on('connection', (socket: Socket) =>
      whenBegun(socket, arrivalMs, (begin) => {
        if (begin.equals(preface)) second.emit('connection', socket)
        else for (const take of first) take.call(server, socket)
      }),
    )
  }
  server.prependListener('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  if (proxied) takeProxied(server, arrivalMs)
  server.maxConnections = mostConnections
  return {
    server,
    endSessions() {
      for (const session of sessions) session.close()
      // Who has not asked by now, or does not take its answer, does not hold up the end.
      setTimeout(() => {
        for (const socket of sockets) socket.destroy()
      }, endMs).unref()
    },
  }
}

/** Waits for the first bytes of a connection, and puts them back. */
function whenBegun(socket: Socket, patienceMs: number, go: (begin: Buffer) => void): void {
  const giveUp = () => socket.destroy()
  socket.on('error', giveUp)
  // Half-open ends are for those who have asked something.
  socket.on('end', giveUp)
  socket.setTimeout(patienceMs, giveUp)
  const look = () => {
    const begin = socket.read(preface.length) as Buffer | null
    if (begin === null) {
      socket.once('readable', look)
      return
    }
    socket.off('error', giveUp)
    socket.off('end', giveUp)
    socket.setTimeout(0)
    socket.off('timeout', giveUp)
    socket.unshift(begin)
    go(begin)
  }
  look()
}
