/** Takes entries in, once each, collects them into batches, has these stored, and says when an entry is as safe as it was promised to be. */
import { randomBytes, randomInt } from 'node:crypto'
import { unlink } from 'node:fs/promises'
import { BufferPool } from '../../generators/buffer-pool.js'
import { Inspector } from '../../generators/inspector.js'
import type { Format, Range } from '../../generators/record.js'
import type { Keyring } from '../../objects/keys.js'
import { mostStretches } from '../../objects/line-object.js'
import type { Objects } from '../../objects/objects.js'
import { Problem } from '../problem.js'
import { Batch } from './batch.js'
import { type Entry, Journal, readJournal } from './journal.js'
import { batchOf, type JournalFolder, journalPath, keepTorn } from './journal-folder.js'
import { Seen } from './seen.js'

/**
 * What an acknowledged record survives. `receipt`: nothing, it lies in memory. `append`: the process and the machine, it lies
 * in the journal. `object`: the same, and it lies in an object.
 */
export const acknowledgements = ['receipt', 'append', 'object'] as const
export type Acknowledgement = (typeof acknowledgements)[number]

export interface IntakeOptions {
  readonly objects: Objects
  readonly acknowledgement: Acknowledgement
  readonly journals: JournalFolder
  /** A batch closes with the entry that brings it to this many records ... */
  readonly batchRecords: number
  /** ... or so many milliseconds after its first entry. */
  readonly batchMs: number
  /** ... or to so many entries. */
  readonly mostEntries?: number
  /** What lies in memory at the most, before entries are turned away. */
  readonly mostBytes: number
  readonly keys: Keyring | undefined
  onStored?(stored: StoredBatch): void
  onTrouble?(message: string): void
  readonly now?: () => Date
}

export interface StoredBatch {
  readonly records: number
  /** Of the object. */
  readonly bytes: number
  readonly elapsedMs: number
}

/** Lines with the identity that their producer gave them; without one, they get the receiver's own. */
export interface Offered {
  readonly format: Format
  readonly count: number
  readonly lines: Uint8Array
  readonly identity: Pick<Range, 'source' | 'first'> | undefined
}

export interface Taken extends Range {
  /** It had been taken before, and was not taken again. */
  readonly duplicate: boolean
}

/** A batch that still takes entries. */
interface OpenBatch {
  readonly batch: Batch
  /** Resolves when it is an object. */
  readonly stored: Promise<void>
  /** Takes no more, and is stored. Idempotent. */
  close(): void
}

/** A store that does not answer is asked again after so long, and then after twice as long, up to the second. */
const firstRetryMs = 100
const lastRetryMs = 5_000

export class Intake {
  /** For the lines that are offered: used again once their batch is an object. */
  readonly buffers = new BufferPool()
  private readonly seen = new Seen()
  private readonly inspector = new Inspector()
  /** Sources below zero are receivers' own: no producer may name one. */
  private readonly ownSource = -randomInt(1, 2 ** 31)
  private readonly instance = randomBytes(4).toString('hex')
  private readonly open = new Map<Format, OpenBatch>()
  /** Batches that are not objects yet, and entries that are not acknowledged yet. */
  private readonly storing = new Set<Promise<void>>()
  /** Journals that are this receiver's to store, and could not be read. */
  private readonly unread = new Set<string>()
  private readonly underWay = new Map<Promise<void>, Range>()
  /** From anywhere: should two receivers ever draw the same source, their records are others all the same. */
  private nextOwn = randomInt(2 ** 47)
  private names = 0
  private ending = false
  heldBytes = 0
  heldRecords = 0
  /** Of bodies that are still on their way. */
  private comingBytes = 0

  private constructor(private readonly options: IntakeOptions) {}

  /** Begins with storing what receivers that are no more have left in their journals. */
  static async start(options: IntakeOptions): Promise<Intake> {
    const intake = new Intake(options)
    await intake.takeOver()
    return intake
  }

  /**
   * Stores what receivers that are no more have left in their journals; to be called now and then, since others may die, and
   * what cannot be read now may be readable later.
   */
  async takeOver(): Promise<void> {
    const unread = [...this.unread]
    for (const path of [...unread, ...(await this.options.journals.takeOver())]) await this.recover(path)
  }

  /**
   * Takes an entry in; resolves when it is as safe as the acknowledgement promises. Its lines, from `buffers`, are the
   * intake's from now on, whatever becomes of them.
   * @throws Problem 409 when some of its records were taken before, and others not; 503 when no more can be held, or the disk did not take it
   */
  async take(offered: Offered): Promise<Taken> {
    try {
      const taken = await this.admit(offered)
      if (taken.duplicate) this.buffers.give(offered.lines)
      return taken
    } catch (error) {
      this.buffers.give(offered.lines)
      throw error
    }
  }

  /** Room for a body that is on its way. @throws Problem 503 when as much is held as may be */
  reserve(bytes: number): void {
    if (this.heldBytes + this.comingBytes + bytes > this.options.mostBytes) throw busy('As much is on its way as may be held.')
    this.comingBytes += bytes
  }

  release(bytes: number): void {
    this.comingBytes -= bytes
  }

  /** Closes what is open and resolves when all of it is stored. Entries that come now are turned away. */
  async end(): Promise<void> {
    this.ending = true
    for (const { close } of this.open.values()) close()
    while (this.storing.size > 0) await Promise.allSettled(this.storing)
  }

  private async admit({ identity, ...offered }: Offered): Promise<Taken> {
    const range = { ...(identity ?? this.ownIdentity(offered.count)), count: offered.count }
    const sight = this.seen.sight(range)
    if (sight === 'overlapping') {
      throw new Problem(
        409,
        `Some of records ${range.first} to ${range.first + range.count - 1} of source ${range.source} were sent before, and others not: send a range again as it was.`,
      )
    }
    if (sight === 'known') {
      // The first of the two may not be safe yet, and an answer to the second would say that it is.
      await Promise.all([...this.underWay].filter(([, other]) => meets(other, range)).map(([safe]) => safe)).catch(() => {
        throw notTaken()
      })
      return { ...range, duplicate: true }
    }
    if (this.ending) throw busy('The receiver is being stopped.')
    if (this.heldBytes + offered.lines.length > this.options.mostBytes) throw busy('As much is waiting to be stored as may be held.')
    this.seen.add(range)
    const safe = this.enter({ ...range, ...offered })
    this.underWay.set(safe, range)
    try {
      await safe
      return { ...range, duplicate: false }
    } catch (error) {
      this.seen.remove(range)
      this.options.onTrouble?.(`records could not be taken: ${messageOf(error)}`)
      throw notTaken()
    } finally {
      this.underWay.delete(safe)
    }
  }

  private ownIdentity(count: number): Pick<Range, 'source' | 'first'> {
    const first = this.nextOwn
    this.nextOwn += count
    return { source: this.ownSource, first }
  }

  private async enter(entry: Entry): Promise<void> {
    const { acknowledgement, batchRecords, mostEntries = mostStretches } = this.options
    const current = this.open.get(entry.format) ?? this.begin(entry.format)
    this.hold(entry.count, entry.lines.length)
    const added = current.batch.add(entry)
    if (current.batch.records >= batchRecords || current.batch.size >= mostEntries) current.close()
    try {
      await added
    } catch (error) {
      this.hold(-entry.count, -entry.lines.length)
      // Nothing more can be added to a batch whose journal is broken; what it has is stored.
      current.close()
      throw error
    }
    if (acknowledgement === 'object') await current.stored
  }

  private hold(records: number, bytes: number): void {
    this.heldRecords += records
    this.heldBytes += bytes
  }

  private begin(format: Format): OpenBatch {
    const batch = this.make(format)
    let stored = () => {}
    const timer = setTimeout(() => current.close(), this.options.batchMs)
    const current: OpenBatch = {
      batch,
      stored: new Promise((done) => {
        stored = done
      }),
      close: () => {
        if (this.open.get(format) !== current) return
        // At once, so that nothing more is added.
        this.open.delete(format)
        clearTimeout(timer)
        this.track(this.store(batch).then(stored))
      },
    }
    this.open.set(format, current)
    return current
  }

  private make(format: Format): Batch {
    const { acknowledgement, journals, now = () => new Date() } = this.options
    const at = now()
    const stamp = at.toISOString().replaceAll(/[-:]/g, '').toLowerCase()
    const name = `${stamp}-${this.instance}-${String(++this.names).padStart(6, '0')}`
    const journal = acknowledgement === 'append' ? Journal.create(journalPath(journals.own, name)) : undefined
    return new Batch(name, format, journal, at)
  }

  /** Tries until it is stored: nobody else has these records. */
  private async store(batch: Batch): Promise<void> {
    const { objects, keys, onStored, onTrouble } = this.options
    const begin = performance.now()
    for (let waitMs = firstRetryMs; ; waitMs = Math.min(lastRetryMs, waitMs * 2)) {
      try {
        const bytes = await batch.store(objects, this.inspector, keys)
        this.hold(-batch.records, -batch.bytes)
        for (const lines of batch.lent()) this.buffers.give(lines)
        if (bytes > 0) onStored?.({ records: batch.records, bytes, elapsedMs: performance.now() - begin })
        return
      } catch (error) {
        onTrouble?.(`a batch of ${batch.records} records could not be stored, and is tried again: ${messageOf(error)}`)
        await new Promise((done) => setTimeout(done, waitMs))
      }
    }
  }

  private async recover(path: string): Promise<void> {
    const { onTrouble, now = () => new Date() } = this.options
    const journal = await readJournal(path).catch((error: unknown) => {
      // Nothing is known to be wrong with what it holds.
      if (!this.unread.has(path)) onTrouble?.(`the write-ahead log ${path} cannot be read, and is tried again: ${messageOf(error)}`)
      this.unread.add(path)
    })
    if (journal === undefined) return
    this.unread.delete(path)
    const { entries, torn } = journal
    if (torn > 0) {
      onTrouble?.(
        `the write-ahead log ${path} ends with what is no whole entry: ${entries.length} entries are stored, and the file is kept`,
      )
    }
    const letGo = async () => void (await (torn > 0 ? keepTorn(path) : unlink(path)))
    for (const entry of entries) if (this.seen.sight(entry) === 'new') this.seen.add(entry)
    const [head] = entries
    if (head === undefined) return letGo()
    // Under the name that it would have had: an object that was stored just before the end is not stored a second time.
    const batch = new Batch(batchOf(path), head.format, undefined, now())
    batch.restore(entries)
    this.hold(batch.records, batch.bytes)
    this.track(this.store(batch).then(letGo))
  }

  private track(work: Promise<void>): void {
    const tracked: Promise<void> = work.finally(() => this.storing.delete(tracked))
    this.storing.add(tracked)
    tracked.catch((error: unknown) => this.options.onTrouble?.(String(error)))
  }
}

function meets(a: Range, b: Range): boolean {
  return a.source === b.source && a.first < b.first + b.count && b.first < a.first + a.count
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function notTaken(): Problem {
  return busy('The disk did not take the records.')
}

function busy(detail: string): Problem {
  return new Problem(503, `${detail} Come back later.`, { 'retry-after': '1' })
}
