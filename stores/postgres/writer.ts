/** The bulk path: lines become COPY tuples, and each batch is one transaction. */
import { setImmediate as immediate, setTimeout as pause } from 'node:timers/promises'
import type pg from 'pg'
import { Encoder } from '../../generators/encoder.js'
import type { Chunk } from '../../generators/record.js'
import { Arenas } from '../arenas.js'
import {
  type Claim,
  ClaimLostError,
  InDoubtError,
  type Receipt,
  type Settlement,
  type StoreAddress,
  type Writer,
  type WriterOptions,
} from '../store.js'
import { connect, explain } from './connect.js'
import { endsConnection, runSteps, type Step, UnsentError } from './copy-in.js'
import {
  claimLost,
  ensureMonth,
  leafTable,
  leaves,
  monthWithoutPartition,
  rejectColumnList,
  rejectTable,
  rowColumnList,
  rowTable,
} from './layout.js'
import { id, sql } from './sql.js'

/** Holds the usual batch (32,368 rows of some 270 bytes) whole; a larger one goes in parts of the same transaction. */
const arenaBytes = 12 * 1024 * 1024

/** How often a batch is written again because a month of it has just been dropped, and the pause while it is being dropped. */
const attempts = 100
const pauseMs = 100

export interface PostgresWriterOptions extends WriterOptions {
  /** The client routes rows to their leaf partitions; false: they go through the parent table and the server does. */
  readonly routed: boolean
}

/** What one arena holds of a batch. */
interface Part {
  readonly arena: number
  readonly steps: readonly Step[]
  readonly receipt: Receipt
  readonly last: boolean
}

/** Where the encoding of a batch stands. */
interface Progress {
  chunk: number
  line: number
}

export class PostgresWriter implements Writer {
  private readonly arenas: Arenas
  private client: pg.Client | undefined
  /** While a partition is made that turned up while the other connection is in the middle of a transaction. */
  private helper: pg.Client | undefined
  private months: Promise<void> = Promise.resolve()
  private turn: Promise<void> = Promise.resolve()
  private records = 0
  private closed = false

  private constructor(
    private readonly address: StoreAddress,
    private readonly options: PostgresWriterOptions,
    private readonly encoder: Encoder,
  ) {
    this.arenas = new Arenas(encoder.options.arenas)
  }

  static async open(address: StoreAddress, options: PostgresWriterOptions): Promise<PostgresWriter> {
    const { format, layout } = address
    // Through the parent only the months matter, whose partitions have to be there.
    const partitions = options.routed ? layout.partitions : 1
    const encoder = new Encoder({ format, ...layout, partitions, arenaBytes, arenas: 1 + (options.ahead ?? 1) })
    const writer = new PostgresWriter(address, options, encoder)
    const client = await writer.connection()
    for (const { place } of await leaves(client, address.schema, layout)) if (place !== undefined) encoder.addMonth(place.month)
    return writer
  }

  async write(batch: readonly Chunk[], claim?: Claim): Promise<Receipt> {
    const before = this.turn
    let done: () => void = () => undefined
    this.turn = new Promise((resolve) => {
      done = resolve
    })
    try {
      return await this.untilMonthsAreThere(() => this.transaction(batch, claim, before))
    } finally {
      // The next batch must not overtake this one, even when this one failed before its turn came.
      void before.then(done)
    }
  }

  copied() {
    return { bytes: this.encoder.copiedBytes, records: this.records }
  }

  async close(): Promise<void> {
    this.closed = true
    await Promise.all([this.client, this.helper].map((client) => client?.end().catch(() => undefined)))
    this.client = undefined
    this.helper = undefined
  }

  /**
   * A record may come late to a month that was dropped, whose partitions are then made once more. Nothing of the batch is
   * stored when that is noticed, nor is a lock held that the drop might be waiting for.
   */
  private async untilMonthsAreThere(transaction: () => Promise<Receipt>): Promise<Receipt> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await transaction()
      } catch (error) {
        const month = monthWithoutPartition((error as Error).cause)
        if (month === undefined || attempt === attempts) throw error
        await this.addMonth(month)
        if (attempt > 1) await pause(pauseMs)
      }
    }
  }

  private async transaction(batch: readonly Chunk[], claim: Claim | undefined, before: Promise<void>): Promise<Receipt> {
    const progress: Progress = { chunk: 0, line: 0 }
    const receipt: Settlement[] = []
    let part: Part | undefined = await this.encode(batch, progress, await this.arenas.take())
    /** The connection that the transaction was begun on, while it is open: no other may go on with it. */
    let begun: pg.Client | undefined
    try {
      await before
      while (part !== undefined) {
        const client: pg.Client = begun ?? (await this.connection())
        const current: Part = part
        part = undefined
        // The next part is encoded while this one is on its way. The batches that wait for this one may hold all arenas but this part's.
        const next: Promise<Part | undefined> = current.last
          ? Promise.resolve(undefined)
          : this.arenas.takeFirst().then((arena) => this.encode(batch, progress, arena))
        next.catch(() => undefined)
        const opens = begun === undefined
        begun = client
        try {
          await this.send(client, current, opens, claim)
        } catch (error) {
          begun = undefined
          this.arenas.give(current.arena)
          part = await next.catch(() => undefined)
          throw error
        }
        if (current.last) begun = undefined
        this.arenas.give(current.arena)
        receipt.push(...current.receipt)
        part = await next
      }
    } catch (error) {
      if (part !== undefined) this.arenas.give(part.arena)
      if (begun !== undefined) await this.rollBack(begun)
      throw error
    }
    this.records += batch.reduce((sum, { count }) => sum + count, 0)
    return receipt
  }

  /** Fills an arena with as much of the batch as it takes. The arena is free again when this fails. */
  private async encode(batch: readonly Chunk[], progress: Progress, arena: number): Promise<Part> {
    try {
      this.encoder.begin(arena)
      let full = false
      while (!full && progress.chunk < batch.length) {
        const chunk = batch[progress.chunk] as Chunk
        const encoded = this.encoder.encode(arena, chunk, progress.line)
        progress.line += encoded.lines
        full = encoded.full
        if (encoded.unknownMonth !== undefined) await this.addMonth(encoded.unknownMonth)
        if (progress.line === chunk.count) {
          progress.chunk++
          progress.line = 0
          // The socket of the batch before gets its turn, or the server would run dry while a whole batch is encoded.
          await immediate()
        }
      }
      const receipt = this.encoder
        .runs(arena)
        .map(
          ({ source, first, count, reason }): Settlement =>
            reason === undefined ? { source, first, count, fate: 'stored' } : { source, first, count, fate: 'rejected', reason },
        )
      return { arena, steps: this.copies(arena), receipt, last: progress.chunk === batch.length }
    } catch (error) {
      this.arenas.give(arena)
      throw error
    }
  }

  private copies(arena: number): Step[] {
    const { schema } = this.address
    const copy = (table: string, messages: readonly Uint8Array[]): Step => ({
      text: sql`COPY ${id(schema, table)} (${rowColumnList}) FROM STDIN (FORMAT binary)`.text,
      messages,
    })
    const leaves = this.encoder.leaves(arena)
    const steps = this.options.routed
      ? leaves.map(({ month, remainder, segments }) => copy(leafTable(month, remainder), segments))
      : leaves.length === 0
        ? []
        : [
            copy(
              rowTable,
              leaves.flatMap(({ segments }) => segments),
            ),
          ]
    // Writers begin with different partitions, so that they meet less on the same pages and indexes.
    const turn = steps.length === 0 ? 0 : (this.options.index ?? 0) % steps.length
    const rejects = this.encoder.rejects(arena)
    return [
      ...steps.slice(turn),
      ...steps.slice(0, turn),
      ...(rejects.rows === 0
        ? []
        : [
            {
              text: sql`COPY ${id(schema, rejectTable)} (${rejectColumnList}) FROM STDIN (FORMAT binary)`.text,
              messages: rejects.segments,
            },
          ]),
    ]
  }

  private async send(client: pg.Client, { steps, last }: Part, opens: boolean, claim: Claim | undefined): Promise<void> {
    const settling =
      last && claim !== undefined
        ? [{ text: sql`SELECT ${id(this.address.schema, 'settle_claim')}(${claim.logfile.id}, ${claim.version})`.text }]
        : []
    try {
      await runSteps(client, [...(opens ? [{ text: 'BEGIN' }] : []), ...steps, ...settling, ...(last ? [{ text: 'COMMIT' }] : [])])
    } catch (error) {
      const explained = explain(error, this.address.url)
      if (endsConnection(error)) {
        this.forget(client)
        if (!last || error instanceof UnsentError) throw explained
        throw new InDoubtError(`${explained.message}; whether the batch was committed is not known`, { cause: error })
      }
      await this.rollBack(client)
      throw claim !== undefined && (error as { code?: string }).code === claimLost ? new ClaimLostError(claim) : explained
    }
  }

  /**
   * Ends a transaction that went wrong. Its answer also says that the server has read all that was sent before: the arena
   * that it was sent from may be filled again.
   */
  private async rollBack(client: pg.Client): Promise<void> {
    await client.query('ROLLBACK').catch(() => this.forget(client))
  }

  /** Makes a month's partitions, one month after the other: two batches may come upon new ones at once. */
  private addMonth(month: string): Promise<void> {
    const made = this.months.then(() => this.makeMonth(month))
    this.months = made.catch(() => undefined)
    return made
  }

  private async makeMonth(month: string): Promise<void> {
    // Months are rare. Kept, it would lie idle among the connections that are looked at, and might be dead when it is needed.
    const helper = await this.connect()
    this.helper = helper
    try {
      await ensureMonth(helper, this.address.schema, this.address.layout, month)
    } catch (error) {
      throw explain(error, this.address.url)
    } finally {
      this.helper = undefined
      helper.end().catch(() => undefined)
    }
    this.encoder.addMonth(month)
  }

  /** The connection, opened again when it was lost. */
  private async connection(): Promise<pg.Client> {
    if (this.closed) throw new Error('this writer is closed')
    if (this.client === undefined) {
      const client = await this.connect()
      client.on('end', () => this.forget(client))
      this.client = client
    }
    return this.client
  }

  /** A connection that is there only when this was closed would keep the process alive for ever. */
  private async connect(): Promise<pg.Client> {
    const client = await connect(this.address.url, this.address.schema)
    if (!this.closed) return client
    await client.end().catch(() => undefined)
    throw new Error('this writer is closed')
  }

  private forget(client: pg.Client): void {
    if (this.client === client) this.client = undefined
    client.end().catch(() => undefined)
  }
}
