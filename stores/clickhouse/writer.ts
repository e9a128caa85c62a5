/** The bulk path: lines become Native blocks, and the rows that a batch has of a month are one INSERT. */
import { setTimeout as delay, setImmediate as immediate } from 'node:timers/promises'
import { NativeEncoder } from '../../generators/native-encoder.js'
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
import type { Abilities } from './abilities.js'
import { BatchInserts, type Destination, rejects } from './batch-inserts.js'
import { ClickHouseStoreError } from './errors.js'
import type { Feed } from './feed.js'
import { insertSettings } from './inserts.js'
import { partitionOf, rejectColumnList, rejectTable, rowColumnList, rowTable } from './layout.js'
import { Link } from './link.js'
import { ClickHouseLogfiles } from './logfiles.js'
import { isPassing, waitsMs } from './retrying.js'
import { id, sql } from './sql.js'
import { tokenOf } from './tokens.js'

/** Holds the usual batch whole; a larger one goes in blocks of the same INSERTs. */
const arenaBytes = 32 * 1024 * 1024
/** One is encoded, one is on the wire, and of one the server makes a part: it says so only when that lies on its disk. */
export const batchesAtOnce = 3
/** A batch larger than an arena has a request under way for each of its months. */
const mostSockets = 1024

/** Where the encoding of a batch stands. */
interface Progress {
  chunk: number
  line: number
}

/** One go at storing a batch, or what was missing of it. */
interface Attempt {
  /** What the tokens end with: a repetition has the same, a second insertion another. */
  readonly suffix: string
  /** Destinations that are left out. */
  readonly leaves: ReadonlySet<Destination>
  readonly receipt: Settlement[]
  rows: ReadonlyMap<Destination, number>
  /** Something of it may lie in the store. */
  sent: boolean
}

function begun(suffix = '', leaves: ReadonlySet<Destination> = new Set()): Attempt {
  return { suffix, leaves, receipt: [], rows: new Map(), sent: false }
}

export class ClickHouseWriter implements Writer {
  private readonly arenas: Arenas
  private readonly encoder: NativeEncoder
  private readonly link: Link
  private readonly logfiles: ClickHouseLogfiles | undefined
  private readonly closing = new AbortController()
  private turn: Promise<void> = Promise.resolve()
  /** The server was waited for in vain: until a batch gets through again, each is tried once. */
  private away = false
  private records = 0
  private keptBytes = 0

  private constructor(
    private readonly address: StoreAddress,
    private readonly abilities: Abilities,
    { ahead = batchesAtOnce - 1 }: WriterOptions,
  ) {
    this.arenas = new Arenas(1 + ahead)
    this.encoder = new NativeEncoder({
      format: address.format,
      arenaBytes,
      arenas: 1 + ahead,
      createdAtType: "DateTime('UTC')",
      remoteAddrType: abilities.ipv6 ? 'IPv6' : 'FixedString(16)',
    })
    this.link = new Link(address.url, { sockets: mostSockets })
    this.logfiles = abilities.tokens ? new ClickHouseLogfiles(address, abilities) : undefined
  }

  static async open(address: StoreAddress, abilities: Abilities, options: WriterOptions = {}): Promise<ClickHouseWriter> {
    const writer = new ClickHouseWriter(address, abilities, options)
    try {
      // Connects, and finds out whether the run is there, before the first batch depends on it.
      await writer.link.rows(sql`SELECT source FROM ${id(address.schema, rowTable)} LIMIT 0`)
    } catch (error) {
      await writer.close()
      throw error
    }
    return writer
  }

  async write(batch: readonly Chunk[], claim?: Claim): Promise<Receipt> {
    const before = this.turn
    let done: () => void = () => undefined
    this.turn = new Promise((resolve) => {
      done = resolve
    })
    try {
      return await this.store(batch, claim, before, done)
    } finally {
      // The next batch must not overtake this one, even when this one failed before its turn came.
      void before.then(done)
    }
  }

  copied() {
    return { bytes: this.encoder.copiedBytes + this.keptBytes, records: this.records }
  }

  async close(): Promise<void> {
    this.closing.abort(new Error('this writer is closed'))
    await Promise.all([this.link.close(), this.logfiles?.close()])
  }

  /**
   * Tries until the batch is stored, as long as a repetition cannot store anything twice. It keeps its arena until then.
   * @param sent called when the server has all of it for the first time: the wire is free for the next batch
   */
  private async store(batch: readonly Chunk[], claim: Claim | undefined, before: Promise<void>, sent: () => void): Promise<Receipt> {
    const { signal } = this.closing
    const arena = await this.arenas.take()
    // An instance that took a file over cannot know how far the one before it came.
    let doubtful = claim !== undefined && claim.version > 1
    try {
      for (let tries = 0; ; tries++) {
        signal.throwIfAborted()
        const attempt = begun()
        try {
          await this.attempt(batch, arena, attempt, before, sent)
          if (doubtful) await this.complete(batch, arena, attempt.rows)
          if (claim !== undefined) await this.settle(claim)
          this.records += batch.reduce((sum, { count }) => sum + count, 0)
          this.away = false
          return attempt.receipt
        } catch (error) {
          const waitMs = this.away ? undefined : waitsMs[tries]
          doubtful ||= attempt.sent
          if (isPassing(error) && waitMs === undefined) this.away = true
          if (waitMs === undefined || signal.aborted || !isPassing(error) || (doubtful && !this.abilities.tokens)) {
            throw inDoubt(error, doubtful)
          }
          await delay(waitMs, undefined, { signal }).catch(() => undefined)
        }
      }
    } finally {
      this.arenas.give(arena)
    }
  }

  private async settle(claim: Claim): Promise<void> {
    if (this.logfiles === undefined) throw new Error('this store has no claims to settle')
    if (!(await this.logfiles.finish(claim))) throw new ClaimLostError(claim)
  }

  private async attempt(
    batch: readonly Chunk[],
    arena: number,
    attempt: Attempt,
    before: Promise<void>,
    sent: () => void = () => undefined,
  ): Promise<void> {
    const progress: Progress = { chunk: 0, line: 0 }
    let last = await this.encode(batch, progress, arena, attempt)
    await before
    const inserts = new BatchInserts((destination, body) => this.request(batch, destination, body, attempt))
    attempt.rows = inserts.rows
    try {
      const whole = last
      for (;;) {
        const blocks = [...this.blocks(arena)].filter(({ destination }) => !attempt.leaves.has(destination))
        for (const [i, { destination, segments, rows }] of blocks.entries()) {
          // The usual batch goes from where it lies, one request after the other over one socket. The arena of a larger one
          // is filled again before its bytes have gone, so they are kept apart.
          await inserts.add(destination, whole ? segments : this.kept(segments), rows)
          if (whole) await inserts.end(destination, i === blocks.length - 1 ? sent : undefined)
        }
        if (last) break
        last = await this.encode(batch, progress, arena, attempt)
      }
      await inserts.endAll()
    } catch (error) {
      await inserts.cancel()
      throw error
    }
  }

  private kept(segments: readonly Uint8Array[]): Uint8Array[] {
    this.keptBytes += segments.reduce((sum, { byteLength }) => sum + byteLength, 0)
    return segments.map((segment) => segment.slice())
  }

  private *blocks(arena: number) {
    for (const { month, segments, rows } of this.encoder.blocks(arena)) yield { destination: month, segments, rows }
    const rejected = this.encoder.rejects(arena)
    if (rejected.rows > 0) yield { destination: rejects, segments: rejected.segments, rows: rejected.rows }
  }

  /** Fills an arena with as much of the batch as it takes; true when that is the rest. */
  private async encode(batch: readonly Chunk[], progress: Progress, arena: number, { receipt }: Attempt): Promise<boolean> {
    this.encoder.begin(arena)
    let full = false
    while (!full && progress.chunk < batch.length) {
      const chunk = batch[progress.chunk] as Chunk
      const encoded = this.encoder.encode(arena, chunk, progress.line)
      progress.line += encoded.lines
      full = encoded.full
      if (progress.line === chunk.count) {
        progress.chunk++
        progress.line = 0
        // The socket of the batch before gets its turn, or the server would run dry while a whole batch is encoded.
        await immediate()
      }
    }
    for (const { source, first, count, reason } of this.encoder.runs(arena)) {
      receipt.push(reason === undefined ? { source, first, count, fate: 'stored' } : { source, first, count, fate: 'rejected', reason })
    }
    return progress.chunk === batch.length
  }

  private async request(batch: readonly Chunk[], destination: Destination, body: Feed, attempt: Attempt): Promise<void> {
    const { url, schema } = this.address
    const [table, columns] = destination === rejects ? [rejectTable, rejectColumnList] : [rowTable, rowColumnList]
    const statement = sql`INSERT INTO ${id(schema, table)} (${columns}) FORMAT Native`
    try {
      await this.link.insert(statement, body, insertSettings(url, this.abilities, tokenOf(batch, destination) + attempt.suffix))
      attempt.sent = true
    } catch (error) {
      // A refusal is the server's word that nothing of this INSERT was stored; without an answer nobody knows.
      if (!(error instanceof ClickHouseStoreError) || error.reach === 'unanswered') attempt.sent = true
      throw error
    }
  }

  /**
   * A server that was killed may have noted a token without its rows, and then takes their repetition for done. So what was
   * repeated is counted, and what is missing is inserted under another token.
   */
  private async complete(batch: readonly Chunk[], arena: number, rows: ReadonlyMap<Destination, number>): Promise<void> {
    const there = new Set<Destination>()
    for (const [destination, expected] of rows) {
      const found = await this.count(batch, destination)
      if (found === expected) there.add(destination)
      else if (found !== 0) {
        throw new InDoubtError(
          `ClickHouse at the end holds ${found} of the ${expected} rows of a batch that was written again (${tokenOf(batch, destination)}): another process may write the same records`,
        )
      }
    }
    if (there.size < rows.size) await this.attempt(batch, arena, begun(':again', there), Promise.resolve())
  }

  private async count(batch: readonly Chunk[], destination: Destination): Promise<number> {
    const table = id(this.address.schema, destination === rejects ? rejectTable : rowTable)
    const inMonth = destination === rejects ? sql`1` : sql`toYYYYMM(created_at) = ${Number(partitionOf(destination))}`
    let rows = 0
    for (const { source, first, count } of batch) {
      const [row] = await this.link.rows<{ n: string }>(
        sql`SELECT count() AS n FROM ${table} WHERE source = ${source} AND position >= ${first} AND position < ${first + count} AND ${inMonth}`,
      )
      rows += Number(row?.n ?? 0)
    }
    return rows
  }
}

function inDoubt(error: unknown, doubtful: boolean): unknown {
  if (!doubtful || !(error instanceof ClickHouseStoreError)) return error
  return new InDoubtError(`${error.message}; whether the batch was stored is not known`, { cause: error })
}
