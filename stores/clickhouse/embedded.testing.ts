/** A process of its own that starts an embedded engine, says where it is, and waits to be ended: `node embedded.testing.js [data directory]`. */
import { fileURLToPath } from 'node:url'
import { type ClickHouseClient, ClickHouseLogLevel, createClient } from '@clickhouse/client'
import { EmbeddedEngine } from './embedded.js'

export const holder = fileURLToPath(import.meta.url)

export interface Held {
  readonly url: string
  readonly pid: number
  readonly folder: string
}

/** A client that keeps its errors to those who await them. */
export function clientOf(url: string, database = 'default'): ClickHouseClient {
  return createClient({ url, database, log: { level: ClickHouseLogLevel.OFF }, max_open_connections: 50, request_timeout: 120_000 })
}

/** The single value that a statement answers. */
export async function answerTo(client: ClickHouseClient, query: string): Promise<string> {
  return (await (await client.query({ query, format: 'TabSeparatedRaw' })).text()).trim()
}

/** Everything that a statement answers, as bytes. */
export async function bytesOf(client: ClickHouseClient, query: string): Promise<Buffer> {
  const { stream } = await client.exec({ query })
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

/** What a promise is rejected with. */
export async function failure(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise
  } catch (error) {
    if (error instanceof Error) return error
    throw error
  }
  throw new Error('it did not fail')
}

/** Waits for something that comes by itself. */
export async function until(what: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 1200; tries++) {
    if (await what()) return
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  throw new Error('what was waited for did not happen within 30 s')
}

if (process.argv[1] === holder) {
  const dataDirectory = process.argv[2]
  const { url, pid, folder } = await EmbeddedEngine.start({
    durability: 'process',
    ...(dataDirectory === undefined ? {} : { dataDirectory }),
  })
  process.stdout.write(`${JSON.stringify({ url, pid, folder } satisfies Held)}\n`)
  setInterval(() => undefined, 1_000_000)
}
