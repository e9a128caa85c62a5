/** The servers that tests of the Postgres store run on: the embedded one always, and the one that WEIR_TEST_POSTGRES names. */
import { randomBytes } from 'node:crypto'
import type pg from 'pg'
import { test } from 'uvu'
import type { Chunk, Format } from '../../generators/record.js'
import type { StreamSpec } from '../../generators/source.js'
import { streamSource } from '../../generators/stream.js'
import type { Layout, StoreAddress } from '../store.js'
import { connect } from './connect.js'
import { EmbeddedServer } from './embedded.js'
import { GivenServer } from './given-server.js'
import { PostgresStore } from './postgres.js'

export interface RunOptions {
  readonly format?: Format
  readonly layout?: Partial<Layout>
  readonly months?: readonly string[]
}

/** A server under test; what a test makes on it goes with `end`. */
export class Ground {
  private readonly ending: (() => Promise<unknown>)[] = []

  constructor(readonly server: GivenServer) {}

  get url(): string {
    return this.server.url
  }

  /** A connection of its own. */
  async client(): Promise<pg.Client> {
    const client = await connect(this.url)
    this.ending.push(() => client.end().catch(() => undefined))
    return client
  }

  /** A run's tables in a schema of its own. */
  async run({ format = 'combined', layout = {}, months = ['2026-01'] }: RunOptions = {}): Promise<PostgresStore> {
    const store = this.open({
      store: 'postgres',
      url: this.url,
      schema: `weir_test_${randomBytes(6).toString('hex')}`,
      layout: { partitionKey: 'id', partitions: 4, ...layout },
      format,
    })
    await store.prepare({ kind: 'rows', keeps: 'all' }, months)
    return store
  }

  /** The same run once more, as another process would open it. */
  open(address: StoreAddress): PostgresStore {
    const store = new PostgresStore(address)
    this.ending.push(async () => {
      await store.drop()
      await store.close()
    })
    return store
  }

  /** Closes something when the test has ended, however it ended. */
  closing<T extends { close(): Promise<unknown> }>(made: T): T {
    this.ending.push(() => made.close())
    return made
  }

  async end(): Promise<void> {
    for (const end of this.ending.splice(0).reverse()) await end()
  }
}

const givenUrl = process.env['WEIR_TEST_POSTGRES']
let embedded: EmbeddedServer | undefined
let given: GivenServer | undefined

const kinds = {
  embedded: async () => {
    embedded ??= await EmbeddedServer.start({ durability: 'power' })
    return embedded
  },
  given: async () => {
    given ??= await GivenServer.open(givenUrl ?? '')
    return given
  },
}

/** Registers a test for each server; the given one's is skipped, by name, where there is none. */
export function onServers(name: string, body: (ground: Ground) => Promise<void>): void {
  onEmbedded(`${name}, on the embedded server`, body)
  if (givenUrl) test(`${name}, on a given server`, () => onGround(kinds.given, body))
  else test.skip(`${name}, on a given server (needs WEIR_TEST_POSTGRES)`, () => undefined)
}

/** Registers a test for the embedded server alone. */
export function onEmbedded(name: string, body: (ground: Ground) => Promise<void>): void {
  test(name, () => onGround(kinds.embedded, body))
}

test.after(async () => {
  await Promise.all([embedded?.close(), given?.close()])
})

async function onGround(server: () => Promise<GivenServer>, body: (ground: Ground) => Promise<void>): Promise<void> {
  const ground = new Ground(await server())
  try {
    await body(ground)
  } finally {
    await ground.end()
  }
}

/** A stream that crosses from January into February 2026 after some 10,000 records. */
export function streamOf(format: Format = 'combined', source = 1): StreamSpec {
  return { kind: 'stream', source, profile: 'web', seed: '7', format, startMs: Date.UTC(2026, 0, 31, 12), recordsPerDay: 20_000 }
}

/** Records of a stream in chunks of at most 4,000. */
export async function chunksOf(spec: StreamSpec, first: number, count: number): Promise<Chunk[]> {
  const cursor = await streamSource(spec).open(first)
  const chunks: Chunk[] = []
  while (cursor.position < first + count) {
    const at = cursor.position
    const made = await cursor.next(Math.min(4_000, first + count - at))
    if (made === undefined) throw new Error('a stream has no end')
    chunks.push({ source: spec.source, first: at, ...made })
  }
  return chunks
}

/** The lines of some chunks, as text. */
export function linesOf(chunks: readonly Chunk[]): string[] {
  return chunks.flatMap(({ lines }) => Buffer.from(lines).toString().split('\n').slice(0, -1))
}

/** A chunk of these lines. */
export function chunkOf(lines: readonly (string | Uint8Array)[], first = 0, source = 1): Chunk {
  const bytes = lines.flatMap((line) => [Buffer.from(line as string), Buffer.from('\n')])
  return { source, first, count: lines.length, lines: new Uint8Array(Buffer.concat(bytes)) }
}

/** The value of a query of one row and one column, as a number. */
export async function numberOf(client: pg.Client, text: string, values: unknown[] = []): Promise<number> {
  const { rows } = await client.query({ text, values, rowMode: 'array' })
  return Number((rows as unknown[][])[0]?.[0])
}

/** How a promise failed. @throws when it did not */
export async function failure(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise
  } catch (error) {
    if (error instanceof Error) return error
    throw error
  }
  throw new Error('it ought to have failed')
}
