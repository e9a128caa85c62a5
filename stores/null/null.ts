/** The null store: takes everything and keeps nothing, so that what is left is the cost of everything but a store. */
import { Encoder } from '../../generators/encoder.js'
import type { Chunk } from '../../generators/record.js'
import type { Inserter, Receipt, Settlement, Store, StoreAddress, StoreFacts, StoreServer, Upkeep, Writer } from '../store.js'

const arenaBytes = 4 * 1024 * 1024

/** Parses, routes and encodes like any writer, and throws the rows away: lines that do not parse are still told apart. */
class NullWriter implements Writer {
  private readonly encoder: Encoder
  private records = 0

  constructor({ format, layout }: StoreAddress) {
    this.encoder = new Encoder({ format, ...layout, arenaBytes, arenas: 1 })
  }

  async write(batch: readonly Chunk[]): Promise<Receipt> {
    const receipt: Settlement[] = []
    for (const chunk of batch) {
      for (let done = 0; done < chunk.count; ) {
        this.encoder.begin(0)
        const { lines, unknownMonth } = this.encoder.encode(0, chunk, done)
        if (unknownMonth !== undefined) this.encoder.addMonth(unknownMonth)
        done += lines
        for (const { source, first, count, reason } of this.encoder.runs(0)) {
          receipt.push(reason === undefined ? { source, first, count, fate: 'stored' } : { source, first, count, fate: 'rejected', reason })
        }
      }
      this.records += chunk.count
    }
    return receipt
  }

  copied() {
    return { bytes: this.encoder.copiedBytes, records: this.records }
  }

  async close(): Promise<void> {}
}

const inserter: Inserter = { insert: async () => undefined, reject: async () => undefined, close: async () => undefined }

const facts: StoreFacts = { version: 'null', durability: 'none', settings: {}, fsyncMs: null, tables: [] }

export class NullStore implements Store {
  readonly logfiles = undefined
  readonly batchesAtOnce = 2
  readonly scanner = undefined
  readonly lacks = { claims: 'it has no logfiles to claim', analytics: 'it keeps nothing that could be asked for' }

  constructor(readonly address: StoreAddress) {}

  async prepare(): Promise<void> {}

  async writer(): Promise<Writer> {
    return new NullWriter(this.address)
  }

  async inserter(): Promise<Inserter> {
    return inserter
  }

  async *rejected(): AsyncGenerator<never> {}

  async remember(): Promise<void> {}

  async facts(): Promise<StoreFacts> {
    return facts
  }

  async partitions() {
    return []
  }

  analytics(): undefined {
    return undefined
  }

  async seen(): Promise<boolean> {
    return false
  }

  async dropMonth() {
    return { rows: 0, bytes: 0 }
  }

  async upkeep(): Promise<Upkeep> {
    return { settled: true, figures: {} }
  }

  waits(): undefined {
    return undefined
  }

  async drop(): Promise<void> {}

  async close(): Promise<void> {}
}

export const nullServer: StoreServer = {
  store: 'null',
  embedded: true,
  url: '',
  layoutOf: (asked) => asked,
  durability: async () => 'none',
  facts: async () => facts,
  settle: async () => 0,
  processes: async () => [],
  dataFolder: async () => null,
  runs: async () => [],
  drop: async () => undefined,
  close: async () => undefined,
}
