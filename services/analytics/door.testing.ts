/** A fixed place to knock at, behind which a store's server comes, goes and comes back somewhere else. */
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

export class Door {
  private readonly sockets = new Set<Socket>()
  private behind: number | undefined

  private constructor(
    private readonly server: Server,
    readonly port: number,
  ) {}

  static async open(): Promise<Door> {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const door = new Door(server, (server.address() as AddressInfo).port)
    server.on('connection', (inner) => door.join(inner))
    return door
  }

  /** What the door leads to: a port on this machine, or nothing. */
  lead(port: number | undefined): void {
    this.behind = port
    if (port === undefined) for (const socket of this.sockets) socket.destroy()
  }

  async close(): Promise<void> {
    this.lead(undefined)
    await new Promise<void>((resolve) => this.server.close(() => resolve()))
  }

  private join(inner: Socket): void {
    if (this.behind === undefined) {
      inner.destroy()
      return
    }
    const outer = connect(this.behind, '127.0.0.1')
    for (const [from, to] of [
      [inner, outer],
      [outer, inner],
    ] as const) {
      this.sockets.add(from)
      from.on('error', () => undefined)
      from.on('close', () => {
        this.sockets.delete(from)
        to.destroy()
      })
      from.pipe(to)
    }
  }
}
