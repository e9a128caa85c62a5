/** A way to a server that can be blocked, cut and counted: bytes pass through it as they are. */
import { connect, createServer, type Server, type Socket } from 'node:net'

interface Pair {
  readonly id: number
  readonly inner: Socket
  readonly outer: Socket
}

/** A request's first line, with the settings of an INSERT in it, is shorter. */
const headBytes = 4096

export class Passage {
  private readonly pairs = new Map<number, Pair>()
  private server: Server | undefined
  private next = 1
  private held: ((head: string) => boolean) | undefined
  private readonly kept = new Map<number, Buffer>()
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

  /** Connections that are kept from their server by `hold`. */
  waiting(): number {
    return this.kept.size
  }

  /** Requests whose first bytes are of this kind go no further, until `release`; others pass. */
  hold(kind: (head: string) => boolean): void {
    this.held = kind
  }

  release(): void {
    this.held = undefined
    for (const [id, bytes] of [...this.kept]) {
      this.kept.delete(id)
      const pair = this.pairs.get(id)
      pair?.outer.write(bytes)
      pair?.inner.resume()
    }
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
    // Or the head of a request would wait for the other side's word before its body follows.
    for (const socket of [inner, outer]) socket.setNoDelay(true)
    this.pairs.set(id, { id, inner, outer })
    inner.on('data', (bytes) => {
      if (this.held?.(bytes.toString('latin1', 0, headBytes)) === true) {
        this.kept.set(id, bytes)
        inner.pause()
      } else if (this.onRequest(bytes, id)) outer.write(bytes)
    })
    outer.on('data', (bytes) => {
      if (this.onAnswer(bytes, id)) inner.write(bytes)
    })
    for (const [from, to] of [
      [inner, outer],
      [outer, inner],
    ] as const) {
      from.on('error', () => undefined)
      from.on('end', () => to.end())
      from.on('close', () => {
        to.destroy()
        this.pairs.delete(id)
        this.kept.delete(id)
      })
    }
  }
}
