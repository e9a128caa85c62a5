/** A receiver of a test's own, on a folder of its own, and ways to send to it. */
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openObjects } from '../../objects/index.js'
import type { Keyring } from '../../objects/keys.js'
import { type LineObject, openLines } from '../../objects/line-object.js'
import type { RunningService } from '../service.js'
import { defaultSettings, type ReceiverOptions, type ReceiverSettings, startReceiver } from './server.js'

export const good = '192.0.2.7 - ann [17/May/2015:10:05:03 +0000] "GET /a HTTP/1.1" 200 5 "-" "agent"'
export const text = { 'content-type': 'text/plain' }

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: Readonly<Record<string, unknown>>
}

export class TestReceiver {
  readonly troubles: string[] = []
  private service: RunningService | undefined

  private constructor(
    readonly folder: string,
    readonly objects: string,
  ) {}

  static async start(settings: Partial<ReceiverSettings> = {}, options: Partial<ReceiverOptions> = {}): Promise<TestReceiver> {
    const folder = mkdtempSync(join(tmpdir(), 'weir-receiver-'))
    const receiver = new TestReceiver(folder, settings.objects ?? join(folder, 'objects'))
    await receiver.again(settings, options)
    return receiver
  }

  /** Another one on the same objects. */
  async again(settings: Partial<ReceiverSettings> = {}, options: Partial<ReceiverOptions> = {}): Promise<void> {
    this.service = await startReceiver({
      settings: { ...defaultSettings, keys: undefined, tls: undefined, ...settings, objects: this.objects },
      host: '127.0.0.1',
      port: 0,
      onTrouble: (message) => void this.troubles.push(message),
      ...options,
    })
  }

  get url(): string {
    return this.service?.url ?? ''
  }

  async send(lines: string | Uint8Array, headers: Readonly<Record<string, string>> = {}, path = '/v1/lines'): Promise<Answer> {
    const answer = await fetch(`${this.url}${path}`, { method: 'POST', body: lines as never, headers: { ...text, ...headers } })
    return { status: answer.status, headers: answer.headers, body: (await answer.json()) as Answer['body'] }
  }

  /** Sends bytes as they are, and resolves with all that came back when the receiver closes the connection, or falls silent for `quietMs`. */
  raw(bytes: Uint8Array | string, quietMs = 2_000): Promise<string> {
    const { port } = new URL(this.url)
    return new Promise((done) => {
      const socket = connect(Number(port), '127.0.0.1')
      let heard = ''
      socket.setTimeout(quietMs, () => socket.destroy())
      socket.on('data', (data) => {
        heard += data.toString('latin1')
      })
      socket.on('error', () => undefined)
      socket.on('close', () => done(heard))
      socket.write(bytes)
    })
  }

  async stop(): Promise<void> {
    await this.service?.close()
  }

  /** The objects that are there, in order. */
  async stored(keys?: Keyring): Promise<readonly LineObject[]> {
    const objects = await openObjects({ place: this.objects })
    try {
      const names = await objects.list('', 10_000)
      return await Promise.all(names.map(async (name) => openLines(await objects.get(name), keys)))
    } finally {
      await objects.close()
    }
  }

  async remove(): Promise<void> {
    await this.stop()
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** All lines of some objects. */
export function linesOf(objects: readonly LineObject[]): readonly string[] {
  return objects.flatMap(({ lines }) => Buffer.from(lines).toString().split('\n').slice(0, -1))
}
