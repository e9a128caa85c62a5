/** What all encoders share: lines in, arenas filled month by month, and the fates of the records. Subclasses know what lies in the arenas. */
import { ChunkFeed } from './chunk-feed.js'
import { Kernel } from './kernel/kernel.js'
import { monthCount, monthIndex, monthName } from './months.js'
import type { Chunk, Format, Range, RejectReason } from './record.js'
import { formats, keptLineBytes, rejectReasons } from './record.js'
import { requireWhole } from './require-whole.js'

/** Consecutive records of one fate. */
export interface Run extends Range {
  /** undefined: stored. */
  readonly reason: RejectReason | undefined
}

export interface Encoded {
  /** Lines consumed by this call. */
  readonly lines: number
  /** The arena is full: write it, `begin` it (or another) and go on behind the lines consumed. */
  readonly full: boolean
  /** The next line's month ('YYYY-MM'), which is not known yet: `addMonth` and go on. */
  readonly unknownMonth?: string
}

/** An arena of this size holds any single line, wherever it goes. */
export const minArenaBytes = keptLineBytes + 65_536
/** Usual size of a segment. */
export const defaultSegmentBytes = 65_536

/** What a subclass asks for. */
export interface Shape {
  readonly format: Format
  readonly arenaBytes: number
  readonly arenas: number
  readonly segmentBytes: number
  /** Index in `partitionKeys`, or -1 when all rows go to one destination, whatever their month. */
  readonly key: number
  /** Destinations of each month. */
  readonly partitions: number
  /** Bytes of a destination, which the kernel fills and the subclass reads; that of the rejects has the same size. */
  readonly destinationBytes: number
  /** Whether destinations are blocks of columns. */
  readonly native: boolean
  /** Whether an IPv6 address that an IPv4 address is mapped to counts as that. */
  readonly unmap: boolean
}

// Layouts shared with the kernel, in 32-bit words: Arena of arena.ts, Context of encode.ts; bytes for runs (runs.ts).
const arenaWords = 8
const contextWords = 12
const runBytes = 24
const runCapacity = 32_768

interface ArenaAddresses {
  readonly arena: number
  readonly rejects: number
  readonly start: number
  readonly runs: number
}

/** A destination that was given rows. */
export interface Destination {
  /** 'YYYY-MM', or '' when rows are not routed. */
  readonly month: string
  /** Which of the month's. */
  readonly remainder: number
  readonly address: number
}

/** Parses lines and fills arenas. Reserves all its memory when made; one thread's own. */
export abstract class LineEncoder {
  readonly kernel: Kernel
  private readonly shape: Shape
  private readonly feed: ChunkFeed
  private readonly context: number
  private readonly monthTable: number
  private readonly arenas: ArenaAddresses[] = []
  /** Month index to the address of its destinations; -1 stands for the one destination of unrouted rows. */
  private readonly known = new Map<number, number>()
  private spare = 0
  private spareEnd = 0

  constructor(shape: Shape, kernel: Kernel = new Kernel()) {
    const { arenas, arenaBytes, destinationBytes } = shape
    requireWhole('arenas', arenas, 1, 64)
    requireWhole('arenaBytes', arenaBytes, minArenaBytes, 1 << 30)
    requireWhole('segmentBytes', shape.segmentBytes, 256, arenaBytes - keptLineBytes)
    this.shape = shape
    this.kernel = kernel
    this.monthTable = kernel.alloc(monthCount * 4)
    const reasons = this.allocReasons()
    this.context = kernel.alloc(contextWords * 4)
    this.feed = new ChunkFeed(kernel)
    // Destinations for every month there can be, as long as that is less than a megabyte: `addMonth` then needs no more memory.
    const monthBytes = this.monthBytes()
    this.reserve(monthBytes * Math.min(monthCount, Math.max(24, Math.floor(1_048_576 / monthBytes))))
    for (let index = 0; index < arenas; index++) {
      const start = kernel.alloc(arenaBytes)
      const runs = kernel.alloc(runCapacity * runBytes)
      this.arenas.push({ arena: kernel.alloc(arenaWords * 4), rejects: kernel.alloc(destinationBytes), start, runs })
    }
    this.words(this.monthTable, monthCount).fill(0)
    this.words(this.context, contextWords).set([
      formats.indexOf(shape.format),
      shape.key,
      shape.partitions,
      this.monthTable,
      reasons,
      keptLineBytes,
      destinationBytes,
      Number(shape.native),
      Number(shape.unmap),
    ])
    if (shape.key < 0) this.register(-1)
    for (let index = 0; index < arenas; index++) this.begin(index)
  }

  /** Bytes copied into the kernel's memory so far: each chunk once. */
  get copiedBytes(): number {
    return this.feed.copiedBytes
  }

  /**
   * Lets rows of a month ('YYYY-MM') be encoded. A known month is fine. Destinations for 24 months at least, and for every month
   * as long as they take less than a megabyte, are reserved beforehand; beyond that the memory may grow, which empties the views
   * given out.
   */
  addMonth(month: string): void {
    const index = monthIndex(month)
    if (this.shape.key >= 0 && !this.known.has(index)) this.register(index)
  }

  /** The months that were added, in order. */
  months(): string[] {
    return [...this.known.keys()]
      .filter((index) => index >= 0)
      .sort((a, b) => a - b)
      .map(monthName)
  }

  /** Empties an arena: what was encoded into it and the views that were given out on it are gone. */
  begin(arena: number): void {
    const { arena: address, rejects, start, runs } = this.addresses(arena)
    const { arenaBytes, segmentBytes, partitions, destinationBytes } = this.shape
    this.words(address, arenaWords).set([start, start + arenaBytes, start, segmentBytes, runs, 0, runCapacity, 0])
    this.words(rejects, destinationBytes / 4).fill(0)
    for (const month of this.known.values()) this.words(this.firstOf(month, arena), (destinationBytes / 4) * partitions).fill(0)
  }

  /**
   * Encodes the chunk's lines from number `fromLine` (counted in the chunk) into an arena: all of them, or up to where it
   * says why it stopped. Going on with the same chunk object behind the lines consumed copies nothing again.
   * Throws when the chunk does not hold as many lines as it says.
   */
  encode(arena: number, chunk: Chunk, fromLine = 0): Encoded {
    const { feed } = this
    feed.seek(chunk, fromLine)
    let result: Omit<Encoded, 'lines'> = { full: false }
    while (feed.line < chunk.count) {
      if (!feed.load(chunk)) {
        if (this.encodeTooLong(arena, chunk)) continue
        result = { full: true }
        break
      }
      const status = this.encodePiece(arena, chunk)
      if (status === 1) {
        result = { full: true }
        break
      }
      if (status === 2) {
        result = { full: false, unknownMonth: monthName(this.words(this.context, contextWords)[11] ?? 0) }
        break
      }
    }
    const lines = feed.line - fromLine
    if (feed.line === chunk.count) feed.finish(chunk)
    return { lines, ...result }
  }

  /** What became of the arena's records, in the order they were encoded. */
  runs(arena: number): Run[] {
    const { arena: address, runs } = this.addresses(arena)
    const count = this.words(address, arenaWords)[5] ?? 0
    const view = new DataView(this.kernel.memory.buffer, runs, count * runBytes)
    return Array.from({ length: count }, (_, index) => {
      const at = index * runBytes
      return {
        source: view.getInt32(at + 12, true),
        first: Number(view.getBigInt64(at, true)),
        count: view.getUint32(at + 8, true),
        reason: rejectReasons[view.getUint32(at + 16, true) - 1],
      }
    })
  }

  /** The destinations of all known months in an arena, by month and remainder, whether or not they were given rows. */
  protected destinations(arena: number): Destination[] {
    this.addresses(arena)
    const { partitions, destinationBytes } = this.shape
    return [...this.known]
      .sort(([a], [b]) => a - b)
      .flatMap(([month, addresses]) =>
        Array.from({ length: partitions }, (_, remainder) => ({
          month: month < 0 ? '' : monthName(month),
          remainder,
          address: this.firstOf(addresses, arena) + remainder * destinationBytes,
        })),
      )
  }

  /** The destination of an arena's rejects. */
  protected rejectsOf(arena: number): number {
    return this.addresses(arena).rejects
  }

  protected words(address: number, count: number): Uint32Array {
    return new Uint32Array(this.kernel.memory.buffer, address, count)
  }

  protected call(name: string, ...values: number[]): number {
    const call = this.kernel.exports[name] as (...values: number[]) => number
    return call(...values)
  }

  private encodePiece(arena: number, chunk: Chunk): number {
    const { arena: address, rejects } = this.addresses(arena)
    const { line } = this.feed
    const { from, to } = this.feed.piece()
    const [first, most] = [chunk.first + line, chunk.count - line]
    const status = this.call('encodeLines', this.context, address, rejects, arena, from, to, chunk.source, first, most)
    const words = this.words(this.context, contextWords)
    this.feed.consume(words[10] ?? 0, words[9] ?? 0)
    return status
  }

  /** Rejects the next line, of which only the part that is kept fits into the kernel's memory. */
  private encodeTooLong(arena: number, chunk: Chunk): boolean {
    const { arena: address, rejects } = this.addresses(arena)
    const { input, line } = this.feed
    const length = this.feed.loadKept(chunk)
    const position = chunk.first + line
    if (this.call('encodeTooLong', this.context, address, rejects, chunk.source, position, input, keptLineBytes, length) === 0) return false
    this.feed.consumeKept(length)
    return true
  }

  private register(month: number): void {
    const bytes = this.monthBytes()
    if (this.spare + bytes > this.spareEnd) this.reserve(bytes * 16)
    const destinations = this.spare
    this.spare += bytes
    this.words(destinations, bytes / 4).fill(0)
    this.known.set(month, destinations)
    this.words(this.monthTable + Math.max(month, 0) * 4, 1)[0] = destinations
  }

  private reserve(bytes: number): void {
    this.spare = this.kernel.alloc(bytes)
    this.spareEnd = this.spare + bytes
  }

  private monthBytes(): number {
    const { partitions, arenas, destinationBytes } = this.shape
    return partitions * arenas * destinationBytes
  }

  private firstOf(month: number, arena: number): number {
    return month + arena * this.shape.partitions * this.shape.destinationBytes
  }

  private allocReasons(): number {
    const texts = rejectReasons.map((reason) => new TextEncoder().encode(reason))
    const table = this.kernel.alloc(texts.length * 8)
    for (const [index, text] of texts.entries()) {
      // 16 more: the kernel copies texts 16 bytes at a time.
      const address = this.kernel.alloc(text.length + 16)
      this.kernel.bytes().set(text, address)
      this.words(table + index * 8, 2).set([address, text.length])
    }
    return table
  }

  private addresses(arena: number): ArenaAddresses {
    const addresses = this.arenas[arena]
    if (!addresses) throw new RangeError(`there is no arena ${arena}: this encoder has ${this.arenas.length}`)
    return addresses
  }
}
