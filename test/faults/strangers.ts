/** Ports where something else answers than a store, or nothing does. */
import { createServer as createHttp } from 'node:http'
import { createServer, type Server, type Socket } from 'node:net'

/** What listens on a port of the loopback interface. */
export interface Stranger {
  readonly port: number
  close(): Promise<void>
}

/** Answers whatever it is told with 200 and a page. */
export function webServer(): Promise<Stranger> {
  return listening(createHttp((_request, response) => response.end('<html>hello</html>')))
}

/** Speaks first, as a mail server does, then hangs up. */
export function mailServer(): Promise<Stranger> {
  return listening(createServer((socket) => socket.resume().end('220 mail.example ESMTP\r\n')))
}

/** Takes connections and never says a word. */
export function silence(): Promise<Stranger> {
  return listening(createServer((socket) => socket.resume()))
}

/** A port that nothing listens on, below those that the system gives to outgoing connections: nobody takes it by chance. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000)
    const stranger = await listening(createServer(), port).catch(() => undefined)
    if (stranger === undefined) continue
    await stranger.close()
    return port
  }
}

function listening(server: Server, port = 0): Promise<Stranger> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => sockets.delete(socket))
  })
  return new Promise((resolve, reject) => {
    server.on('error', reject)
    server.listen(port, '127.0.0.1', () => {
      const address = server.address()
      resolve({
        port: typeof address === 'object' && address !== null ? address.port : 0,
        close: () =>
          new Promise((done) => {
            server.close(() => done())
            for (const socket of sockets) socket.destroy()
          }),
      })
    })
  })
}
