/** A connection that is opened when it is first needed, and again when it was lost: by an answer that says so, or while nobody asked. */
import type pg from 'pg'
import { connect, explain } from './connect.js'
import { endsConnection } from './copy-in.js'

export class StandingConnection {
  private opening: Promise<pg.Client> | undefined

  /** @param open a connection that stands already */
  constructor(
    private readonly url: string,
    open?: pg.Client,
  ) {
    if (open !== undefined) this.opening = this.watch(Promise.resolve(open))
  }

  /**
   * Asks something over the connection. A question is not asked twice: one that the connection broke under fails, the next is asked over a new one.
   * @throws PostgresError
   */
  async ask<T>(question: (client: pg.Client) => Promise<T>): Promise<T> {
    this.opening ??= this.watch(connect(this.url))
    const { opening } = this
    try {
      return await question(await opening)
    } catch (error) {
      // A server's refusal leaves the connection whole; anything else asks for a new one.
      if (endsConnection(error)) this.forget(opening)
      throw explain(error, this.url)
    }
  }

  /** Ends it; another question would open it again. */
  async close(): Promise<void> {
    const { opening } = this
    this.opening = undefined
    await opening?.then((client) => client.end()).catch(() => undefined)
  }

  private watch(opening: Promise<pg.Client>): Promise<pg.Client> {
    opening.then((client) => client.once('end', () => this.forget(opening))).catch(() => undefined)
    return opening
  }

  private forget(opening: Promise<pg.Client>): void {
    if (this.opening === opening) this.opening = undefined
    opening.then((client) => client.end()).catch(() => undefined)
  }
}
