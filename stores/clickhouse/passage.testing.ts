/** A way to a server that can be blocked, cut and counted: bytes pass through it as they are. */
import { connect, createServer, type Server, type Socket } from 'node:net'

interface Pair {
  readonly id: number
  readonly inner: Socket
  readonly outer: Socket
}

export class Passage {
  private readonly pairs = new Map<number, Pair>()
  private server: Server | undefined
  private next = 1
  private held = false
  private port = 0
  /** Called with what goes to the server, before it goes; false keeps it back. */
  onRequest: (bytes: Buffer, id: number) => boolean = () => true
  /** Called with what comes from the server, before it comes; false keeps it back. */
  onAnswer: (bytes: Buffer, id: number) => boolean = () => true

  private constructor(private readonly target: URL) {}

  /** Stands before the server that a URL leads to. */
  static async before(url: string): Promise<Passage> {
    const passage = new Passage(new URL(url))
    await passage.listen()
    return passage
  }

  /** The server's URL, but that it leads here. */
  get url(): string {
    const url = new URL(this.target)
    url.port = String(this.port)
    return url.href
  }

  connections(): readonly number[] {
    return [...this.pairs.keys()]
  }

  /** Connections whose client has sent what the server does not get. */
  waiting(): number {
    return this.held ? [...this.pairs.values()].filter(({ inner }) => inner.readableLength > 0).length : 0
  }

  /** Nothing goes to the server any more, until `release`. */
  hold(): void {
    this.held = true
    for (const { inner } of this.pairs.values()) inner.pause()
  }

  release(): void {
    this.held = false
    for (const { inner } of this.pairs.values()) inner.resume()
  }

  cut(ids: readonly number[] = this.connections()): void {
    for (const id of ids) {
      const pair = this.pairs.get(id)
      pair?.inner.resetAndDestroy()
      pair?.outer.resetAndDestroy()
    }
  }

  /** Nobody gets in any more, as if the server had ended. */
  async shut(): Promise<void> {
    this.cut()
    const { server } = this
    this.server = undefined
    await new Promise<void>((resolve) => (server === undefined ? resolve() : server.close(() => resolve())))
  }

  /** On the same port as before. */
  async listen(): Promise<void> {
    const server = createServer((inner) => this.join(inner))
    this.server = server
    await new Promise<void>((resolve, reject) => {
      server.on('error', reject)
      server.listen(this.port, '127.0.0.1', resolve)
    })
    const address = server.address()
    if (address !== null && typeof address !== 'string') this.port = address.port
  }

  close(): Promise<void> {
    return this.shut()
  }

  private join(inner: Socket): void {
    const id = this.next++
    const outer = connect(Number(this.target.port), this.target.hostname)
    this.pairs.set(id, { id, inner, outer })
    inner.on('data', (bytes) => {
      if (this.onRequest(bytes, id)) outer.write(bytes)
    })
    outer.on('data', (bytes) => {
      if (this.onAnswer(bytes, id)) inner.write(bytes)
    })
    if (this.held) inner.pause()
    for (const [from, to] of [
      [inner, outer],
      [outer, inner],
    ] as const) {
      from.on('error', () => undefined)
      from.on('end', () => to.end())
      from.on('close', () => {
        to.destroy()
        this.pairs.delete(id)
      })
    }
  }
}
