/** The INSERTs that a batch consists of, one for each month and one for its rejects, fed as the batch is encoded. */
import { Feed } from './feed.js'

/** Where rows of a batch go: a month ('YYYY-MM'), or the rejects. */
export type Destination = string
export const rejects: Destination = 'rejects'

interface Open {
  readonly feed: Feed
  readonly answered: Promise<void>
}

export class BatchInserts {
  /** Rows given to each destination so far. */
  readonly rows = new Map<Destination, number>()
  private readonly open = new Map<Destination, Open>()

  /** @param send starts a request with this body; resolves when it has been answered */
  constructor(private readonly send: (destination: Destination, body: Feed) => Promise<void>) {}

  /** Resolves when the server is ready for more; the pieces must stay as they are until the destination is ended. */
  async add(destination: Destination, pieces: readonly Uint8Array[], rows: number): Promise<void> {
    const { feed, answered } = this.open.get(destination) ?? this.begin(destination)
    this.rows.set(destination, (this.rows.get(destination) ?? 0) + rows)
    await feed.feed(pieces)
    // Nobody reads it any more: the answer says why.
    if (feed.destroyed) await answered
  }

  /** Resolves when the server has stored what it was given. @param sent called when it has taken all of that off our hands */
  async end(destination: Destination, sent?: () => void): Promise<void> {
    const open = this.open.get(destination)
    this.open.delete(destination)
    if (sent !== undefined) open?.feed.once('end', sent)
    open?.feed.end()
    await open?.answered
  }

  async endAll(): Promise<void> {
    for (const { feed } of this.open.values()) feed.end()
    for (const destination of [...this.open.keys()]) await this.end(destination)
  }

  /** Breaks off what is under way. */
  async cancel(): Promise<void> {
    for (const { feed, answered } of this.open.values()) {
      feed.destroy(new Error('broken off'))
      await answered.catch(() => undefined)
    }
    this.open.clear()
  }

  private begin(destination: Destination): Open {
    const feed = new Feed()
    const answered = this.send(destination, feed)
    // Whoever waits for it is told; until then a failure is nobody's.
    answered.catch(() => undefined)
    feed.on('error', () => undefined)
    const open = { feed, answered }
    this.open.set(destination, open)
    return open
  }
}
