/** Answers: a statement's result on its way to the client, with back-pressure, and failures told wherever they happen. */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Writable } from 'node:stream'
import type { Gzip } from 'node:zlib'
import { answerOf } from './encodings.js'
import type { Told } from './failures.js'

const contentTypes: Readonly<Record<string, string>> = {
  TabSeparated: 'text/tab-separated-values; charset=UTF-8',
  TSV: 'text/tab-separated-values; charset=UTF-8',
  CSV: 'text/csv; charset=UTF-8',
  JSON: 'application/json; charset=UTF-8',
  JSONEachRow: 'application/x-ndjson; charset=UTF-8',
  Native: 'application/octet-stream',
  RowBinary: 'application/octet-stream',
}

/** What the library says of a statement. It does not say how many rows an insert wrote, so neither does this server. */
export interface Summary {
  readonly readRows?: number
  readonly readBytes?: number
  readonly elapsedSeconds?: number
}

export class Answer {
  private readonly tag = randomBytes(8).toString('hex')
  private body: Writable | undefined

  constructor(
    private readonly request: IncomingMessage,
    private readonly response: ServerResponse,
    private readonly search: URLSearchParams,
    queryId: string,
  ) {
    response.setHeader('X-ClickHouse-Query-Id', queryId)
    response.setHeader('X-ClickHouse-Server-Display-Name', 'weir')
    response.setHeader('X-ClickHouse-Timezone', 'UTC')
  }

  /** The client has gone. */
  get gone(): boolean {
    return this.response.destroyed
  }

  begin(format: string, summary: Summary): void {
    const { response } = this
    response.statusCode = 200
    response.setHeader('Content-Type', contentTypes[format] ?? 'text/plain; charset=UTF-8')
    response.setHeader('X-ClickHouse-Format', format)
    response.setHeader('X-ClickHouse-Exception-Tag', this.tag)
    response.setHeader('X-ClickHouse-Summary', JSON.stringify(summaryFields(summary)))
    this.body = answerOf(this.request, response, this.search)
    this.body.on('error', () => undefined)
  }

  /** Resolves when there is room for more. */
  async write(bytes: Uint8Array): Promise<void> {
    const { body, response } = this
    if (body === undefined || this.gone) return
    if (body.write(bytes)) return
    await Promise.race([once(body, 'drain'), once(response, 'close')])
  }

  end(): void {
    this.body?.end()
  }

  /** Says what went wrong: with a status if the answer has not begun, else at its end, which is then no good one. */
  async fail({ status, code, text }: Told): Promise<void> {
    const { response } = this
    if (this.gone) return
    if (this.body === undefined) {
      response.statusCode = status
      response.setHeader('Content-Type', 'text/plain; charset=UTF-8')
      response.setHeader('X-ClickHouse-Exception-Code', String(code))
      response.setHeader('X-ClickHouse-Summary', JSON.stringify(summaryFields({})))
      response.end(text)
      return
    }
    // ClickHouse's own marker, for clients that know it; the connection breaks off, for those that do not.
    const message = Buffer.from(text)
    const marker = `${message.length} ${this.tag}\r\n__exception__\r\n`
    this.body.write(Buffer.concat([Buffer.from(`\r\n__exception__\r\n${this.tag}\r\n`), message, Buffer.from(marker)]))
    if (this.body !== response) await flushed(this.body as Gzip)
    // No last chunk: it says that the answer is whole.
    response.socket?.destroySoon()
  }
}

function flushed(encoder: Gzip): Promise<void> {
  return new Promise((resolve) => encoder.flush(() => setImmediate(resolve)))
}

function summaryFields({ readRows, readBytes, elapsedSeconds }: Summary): Record<string, string> {
  return {
    ...(readRows === undefined ? {} : { read_rows: String(readRows) }),
    ...(readBytes === undefined ? {} : { read_bytes: String(readBytes) }),
    ...(elapsedSeconds === undefined ? {} : { elapsed_ns: String(Math.round(elapsedSeconds * 1e9)) }),
  }
}
