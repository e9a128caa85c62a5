/** A link to a ClickHouse server: questions, statements and streams through @clickhouse/client, with errors for the person at the terminal. */
import type { Readable } from 'node:stream'
import { createClient } from '@clickhouse/client'
import { answeredTo, explain, noUrl } from './errors.js'
import type { Sql } from './sql.js'
import { httpUrl } from './urls.js'

export type Settings = Readonly<Record<string, string | number>>

export interface LinkOptions {
  /** Requests under way at once; others wait for their turn. */
  readonly sockets?: number
  /** After which a request that nothing comes back from has failed, milliseconds. */
  readonly timeoutMs?: number
}

/** As patient as a store must be whose answer may wait for merges; a server that is gone is noticed by its connection. */
const patienceMs = 600_000
/** Below the 3 s after which the oldest servers close an idle connection: what is sent then must not meet the closing. */
const idleMs = 1_500

/** Integers of 64 bits come as text, whatever the server's default. */
const asking: Settings = { output_format_json_quote_64bit_integers: 1 }

export class Link {
  private readonly client: ReturnType<typeof createClient>

  /** Connects when first asked. @throws ClickHouseStoreError for what is no URL of a server */
  constructor(
    readonly url: string,
    { sockets = 4, timeoutMs = patienceMs }: LinkOptions = {},
  ) {
    try {
      this.client = createClient({
        url: httpUrl(url),
        application: 'weir',
        request_timeout: timeoutMs,
        max_open_connections: sockets,
        keep_alive: { enabled: true, idle_socket_ttl: idleMs, eagerly_destroy_stale_sockets: true },
        // Whoever catches the error prints it; the client would do so as well.
        log: { level: 127 },
      })
    } catch (error) {
      throw noUrl(error, url)
    }
  }

  /** The rows that a question is answered with; integers of 64 bits are text. */
  async rows<T>(question: Sql, settings: Settings = {}): Promise<T[]> {
    try {
      const answer = await this.client.query({
        query: question.text,
        format: 'JSONEachRow',
        clickhouse_settings: { ...asking, ...settings },
      })
      return await answer.json<T>()
    } catch (error) {
      throw explain(error, this.url)
    }
  }

  /** A statement without an answer. */
  async run(statement: Sql, settings: Settings = {}): Promise<void> {
    try {
      await this.client.command({ query: statement.text, clickhouse_settings: { ...settings } })
    } catch (error) {
      throw explain(error, this.url)
    }
  }

  /** `INSERT INTO ... FORMAT ...` with its data; resolves when the server has taken all of it. */
  async insert(statement: Sql, data: Readable, settings: Settings = {}): Promise<void> {
    try {
      const { stream } = await this.client.exec({ query: statement.text, values: data, clickhouse_settings: { ...settings } })
      // The socket is free only when the answer has been read, of which there is none: the status came before the end where
      // the server sent its progress in the head, and then a failure is told as text.
      let text = ''
      for await (const piece of stream) if (text.length < 1000) text += String(piece)
      if (text.trim() !== '') throw answeredTo(text, this.url)
    } catch (error) {
      throw explain(error, this.url)
    } finally {
      data.destroy()
    }
  }

  /** A question's answer as it comes from the wire; the question names its format. */
  async *stream(question: Sql, settings: Settings = {}): AsyncGenerator<Buffer> {
    let answer: Readable | undefined
    try {
      answer = (await this.client.exec({ query: question.text, clickhouse_settings: { ...settings } })).stream
      for await (const piece of answer) yield piece as Buffer
    } catch (error) {
      throw explain(error, this.url)
    } finally {
      answer?.destroy()
    }
  }

  /** A value that the server answers a parameter with: whether it takes parameters at all. */
  async echo(value: number): Promise<number> {
    try {
      const answer = await this.client.query({
        query: 'SELECT {value:UInt32} AS value',
        format: 'JSONEachRow',
        query_params: { value },
      })
      const [row] = await answer.json<{ value: number }>()
      return row?.value ?? Number.NaN
    } catch (error) {
      throw explain(error, this.url)
    }
  }

  /** Ends the sockets; what is under way fails. */
  async close(): Promise<void> {
    await this.client.close()
  }
}
