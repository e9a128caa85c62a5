/** Sends lines to a receiver over HTTP, again and again until it has taken them, over so many connections. */
import { Agent, request } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import type { Chunk, Format, Range } from '../../generators/record.js'

/** Chunks that follow each other: one request. */
export type Delivery = readonly Chunk[]

export interface SenderOptions {
  readonly url: string
  readonly connections: number
  readonly format: Format
  /** Without a word for so long a connection is given up: one that was handed to a receiver as that died stays silent. */
  readonly answerMs: number
}

/** The receiver will not take these lines, however often they are sent. */
export class RefusedDeliveryError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'RefusedDeliveryError'
  }
}

interface Answer {
  readonly status: number
  readonly retryAfter: string | undefined
  readonly body: string
}

const firstWaitMs = 50
const lastWaitMs = 2000
const contentTypes: Readonly<Record<Format, string>> = { combined: 'text/plain', common: 'text/plain', json: 'application/x-ndjson' }

export class Sender {
  private readonly agent: Agent
  private readonly closing = new AbortController()
  private readonly url: URL
  /** Requests that were answered with "come back later", and those that got no answer: each was sent again. */
  repeated = 0
  requests = 0
  trouble: string | undefined

  constructor(private readonly options: SenderOptions) {
    this.url = new URL('/v1/lines', options.url)
    this.agent = new Agent({ keepAlive: true, maxSockets: options.connections })
  }

  /**
   * Resolves when the receiver has acknowledged all of it. The identity of the records makes a repetition harmless.
   * @throws RefusedDeliveryError; the signal's reason when it is closed meanwhile
   */
  async send(delivery: Delivery): Promise<void> {
    const { signal } = this.closing
    for (let waitMs = firstWaitMs; ; waitMs = Math.min(lastWaitMs, waitMs * 2)) {
      signal.throwIfAborted()
      let askedMs = 0
      try {
        this.requests++
        const { status, retryAfter, body } = await this.post(delivery)
        if (status === 202) {
          this.trouble = undefined
          return
        }
        this.trouble = `the receiver answered ${status}: ${detailOf(body)}`
        if (!comesBack(status)) throw new RefusedDeliveryError(this.trouble)
        askedMs = Number(retryAfter ?? 0) * 1000
      } catch (error) {
        if (error instanceof RefusedDeliveryError) throw error
        signal.throwIfAborted()
        this.trouble = `the receiver cannot be reached: ${error instanceof Error ? error.message : String(error)}`
      }
      this.repeated++
      await pause(Math.min(lastWaitMs, Math.max(waitMs, askedMs)), undefined, { signal }).catch(() => undefined)
    }
  }

  close(): void {
    this.closing.abort(new Error('the target is closed'))
    this.agent.destroy()
  }

  private post(delivery: Delivery): Promise<Answer> {
    const { source, first } = rangeOf(delivery)
    const { format, answerMs } = this.options
    return new Promise((resolve, reject) => {
      const outgoing = request(this.url, {
        method: 'POST',
        agent: this.agent,
        headers: {
          'content-type': contentTypes[format],
          'content-length': delivery.reduce((sum, { lines }) => sum + lines.length, 0),
          'weir-source': source,
          'weir-first': first,
          'weir-format': format,
        },
        signal: this.closing.signal,
      })
      outgoing.setTimeout(answerMs, () => outgoing.destroy(new Error(`no answer within ${answerMs / 1000} s`)))
      outgoing.on('error', reject)
      outgoing.on('response', (incoming) => {
        const pieces: Buffer[] = []
        incoming.on('data', (piece: Buffer) => pieces.push(piece))
        incoming.on('error', reject)
        incoming.on('end', () =>
          resolve({
            status: incoming.statusCode ?? 0,
            retryAfter: incoming.headers['retry-after'],
            body: Buffer.concat(pieces).toString(),
          }),
        )
      })
      for (const { lines } of delivery) outgoing.write(lines)
      outgoing.end()
    })
  }
}

/** Whether the same lines may be taken another time (RFC 9110, 15.5.9 and 15.6; RFC 6585, 4): the fault is not theirs. */
function comesBack(status: number): boolean {
  return status === 408 || status === 429 || status >= 500
}

/** All records of a delivery. */
export function rangeOf(delivery: Delivery): Range {
  const [head] = delivery
  return { source: head?.source ?? 0, first: head?.first ?? 0, count: delivery.reduce((sum, { count }) => sum + count, 0) }
}

/** The sentence of a problem document, or what came instead of one. */
function detailOf(body: string): string {
  try {
    return String((JSON.parse(body) as { readonly detail?: unknown }).detail)
  } catch {
    return body.slice(0, 200)
  }
}
