/** Connections that come through a balancer: a line before the first byte says whose they are (PROXY protocol, version 1: proxy-protocol.txt of haproxy, 2.1). */
import { isIPv6, type Server, type Socket } from 'node:net'

/** The line's end included. */
const longestLine = 107
const pattern = /^PROXY (?:UNKNOWN\b.*|TCP[46] (?<address>[0-9a-fA-F.:]+) \S+ (?<port>\d+) \d+)$/

/**
 * Has a server take a connection once its line was read, under the address of that line; a connection without one is closed.
 * For servers that nobody but the balancer reaches: a line can say anything.
 * @param patienceMs for the line to come
 */
export function takeProxied(server: Server, patienceMs: number): void {
  const takers = server.listeners('connection') as ((socket: Socket) => void)[]
  server.removeAllListeners('connection')
  server.on('connection', (socket: Socket) =>
    whenIntroduced(socket, patienceMs, () => {
      for (const take of takers) take.call(server, socket)
    }),
  )
}

function whenIntroduced(socket: Socket, patienceMs: number, go: () => void): void {
  const giveUp = () => socket.destroy()
  let heard = Buffer.alloc(0)
  const look = () => {
    const more = socket.read() as Buffer | null
    if (more !== null) heard = Buffer.concat([heard, more])
    const end = heard.subarray(0, longestLine).indexOf('\r\n')
    if (end < 0) {
      if (heard.length >= longestLine) giveUp()
      else socket.once('readable', look)
      return
    }
    const line = pattern.exec(heard.subarray(0, end).toString('latin1'))
    if (line === null) return giveUp()
    const { address, port } = line.groups ?? {}
    if (address !== undefined) namePeer(socket, address, Number(port))
    socket.off('error', giveUp)
    socket.off('timeout', giveUp)
    socket.off('end', giveUp)
    socket.setTimeout(0)
    const rest = heard.subarray(end + 2)
    if (rest.length > 0) socket.unshift(rest)
    go()
  }
  socket.on('error', giveUp)
  socket.on('end', giveUp)
  socket.setTimeout(patienceMs, giveUp)
  look()
}

/** Whoever asks a connection for its address, TLS and HTTP/2 above it too, asks its handle in the end; Node has no other place for it. */
function namePeer(socket: Socket, address: string, port: number): void {
  const { _handle: handle } = socket as unknown as { readonly _handle: { getpeername?(out: object): number } | null }
  if (handle === null) return
  handle.getpeername = (out) => {
    Object.assign(out, { address, port, family: isIPv6(address) ? 'IPv6' : 'IPv4' })
    return 0
  }
}
