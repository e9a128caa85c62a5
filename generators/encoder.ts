/** Lines in, COPY binary tuples out, one leaf partition apart from the other: the host's side of the kernel's encoder. */
import { Kernel } from './kernel/kernel.js'
import type { Chunk, Format, PartitionKey, Range, RejectReason } from './record.js'
import { formats, keptLineBytes, partitionKeys, rejectReasons } from './record.js'

export interface EncoderOptions {
  readonly format: Format
  readonly partitionKey: PartitionKey
  /** Hash partitions of each month. */
  readonly partitions: number
  /** Size of each arena. At least `minArenaBytes`, so that any line fits into an empty one. */
  readonly arenaBytes: number
  /** How many arenas: with two, one batch is encoded while the other is on the socket. */
  readonly arenas: number
  /** false: all rows go to one leaf (month '', remainder 0), to be written through the parent table; months need not be known. */
  readonly routed?: boolean
  /** Usual size of a segment, default 64 KiB; each leaf touched takes one at least. */
  readonly segmentBytes?: number
}

/** Tuples of one destination. */
export interface Tuples {
  /**
   * Ready-made CopyData messages, in order, each holding whole tuples: views on the kernel's memory, valid until `begin` of
   * this arena. They are encoded without the COPY header and trailer: see `copyHeader` and `copyTrailer`.
   */
  readonly segments: Uint8Array[]
  readonly rows: number
  /** Bytes of the tuples, without the messages' headers. */
  readonly bytes: number
}

/** Tuples of one leaf partition. */
export interface Leaf extends Tuples {
  /** 'YYYY-MM', or '' when rows are not routed. */
  readonly month: string
  readonly remainder: number
}

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

/** Bytes before a message's tuples: its type 'd' and its length. */
export const messageHeaderBytes = 5

/** A CopyData message with the header of a binary COPY: what comes first. */
export const copyHeader = Uint8Array.of(
  0x64,
  0,
  0,
  0,
  23,
  0x50,
  0x47,
  0x43,
  0x4f,
  0x50,
  0x59,
  0x0a,
  0xff,
  0x0d,
  0x0a,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
)

/** A CopyData message with the trailer of a binary COPY: what comes last, before CopyDone. */
export const copyTrailer = Uint8Array.of(0x64, 0, 0, 0, 6, 0xff, 0xff)

const defaultSegmentBytes = 65_536
/** An arena of this size holds any single line, whatever the leaves. */
export const minArenaBytes = keptLineBytes + 65_536

const firstYear = 1970
const months = (2099 - firstYear + 1) * 12

/** Months since 1970-01, which is how the kernel counts them. Throws unless it is 'YYYY-MM' of 1970 to 2099. */
export function monthIndex(month: string): number {
  const match = /^(\d{4})-(0[1-9]|1[0-2])$/.exec(month)
  const index = match ? (Number(match[1]) - firstYear) * 12 + Number(match[2]) - 1 : -1
  if (index < 0 || index >= months) throw new RangeError(`'${month}' is not a month from 1970-01 to 2099-12`)
  return index
}

function monthName(index: number): string {
  return `${firstYear + Math.floor(index / 12)}-${String((index % 12) + 1).padStart(2, '0')}`
}

// Layouts shared with the kernel, in 32-bit words: Leaf and Arena of copy-arena.ts, Context of encode.ts; bytes for the rest.
const leafWords = 8
const leafBytes = leafWords * 4
const arenaWords = 8
const contextWords = 9
const runBytes = 24
const segmentHeaderBytes = 16
const runCapacity = 32_768

/** Kernel memory is read this much past a chunk's end, never heeded. */
const padding = 64
/** What is parsed at once: small enough to stay in a core's cache. */
const pieceBytes = 262_144
/** The most that must lie in memory at once: what is kept of the longest line. */
const inputBytes = keptLineBytes + 1

interface ArenaAddresses {
  readonly arena: number
  readonly rejects: number
  readonly start: number
  readonly runs: number
}

/** Parses, routes and encodes lines. Reserves all its memory when made; one thread's own. */
export class Encoder {
  readonly kernel: Kernel
  readonly options: Required<EncoderOptions>
  /** Bytes copied into the kernel's memory so far: each chunk once. */
  copiedBytes = 0
  private readonly context: number
  private readonly monthTable: number
  private readonly input: number
  private readonly arenas: ArenaAddresses[] = []
  /** Month index to the address of its leaves; -1 stands for the one leaf of unrouted rows. */
  private readonly known = new Map<number, number>()
  private spareLeaves = 0
  private spareLeavesEnd = 0

  // The chunk being encoded, and how far it got: lines and bytes consumed, and which of its bytes lie in the input region.
  private chunk: Chunk | undefined
  private line = 0
  private offset = 0
  private pieceFrom = 0
  private pieceTo = 0

  constructor(options: EncoderOptions, kernel: Kernel = new Kernel()) {
    const { partitions, arenas, arenaBytes } = options
    this.options = { routed: true, segmentBytes: defaultSegmentBytes, ...options }
    requireWhole('partitions', partitions, 1, 32_767)
    requireWhole('arenas', arenas, 1, 64)
    requireWhole('arenaBytes', arenaBytes, minArenaBytes, 1 << 30)
    requireWhole('segmentBytes', this.options.segmentBytes, 256, arenaBytes - keptLineBytes)
    this.kernel = kernel
    this.monthTable = kernel.alloc(months * 4)
    const reasons = this.allocReasons()
    this.context = kernel.alloc(contextWords * 4)
    this.input = kernel.alloc(padding + inputBytes + padding) + padding
    // Leaves for every month there can be, as long as that is less than a megabyte: `addMonth` then needs no more memory.
    const monthBytes = this.monthBytes()
    this.reserveLeaves(monthBytes * Math.min(months, Math.max(24, Math.floor(1_048_576 / monthBytes))))
    for (let index = 0; index < arenas; index++) {
      const start = kernel.alloc(arenaBytes)
      const runs = kernel.alloc(runCapacity * runBytes)
      this.arenas.push({ arena: kernel.alloc(arenaWords * 4), rejects: kernel.alloc(leafBytes), start, runs })
    }
    this.words(this.monthTable, months).fill(0)
    const key = this.options.routed ? partitionKeys.indexOf(options.partitionKey) : -1
    this.words(this.context, contextWords).set([
      formats.indexOf(options.format),
      key,
      this.leavesPerMonth(),
      this.monthTable,
      reasons,
      keptLineBytes,
    ])
    if (!this.options.routed) this.register(-1)
    for (let index = 0; index < arenas; index++) this.begin(index)
  }

  /**
   * Lets rows of a month ('YYYY-MM') be encoded. A known month is fine. Leaves for 24 months at least, and for every month up
   * to 10 partitions with two arenas, are reserved beforehand; beyond that the memory may grow, which empties the views given out.
   */
  addMonth(month: string): void {
    const index = monthIndex(month)
    if (this.options.routed && !this.known.has(index)) this.register(index)
  }

  /** The months that were added, in order. */
  months(): string[] {
    return [...this.known.keys()]
      .filter((index) => index >= 0)
      .sort((a, b) => a - b)
      .map(monthName)
  }

  /** Empties an arena: its tuples and runs, and the views that were given out on them, are gone. */
  begin(arena: number): void {
    const { arena: address, rejects, start, runs } = this.addresses(arena)
    const { arenaBytes, segmentBytes } = this.options
    this.words(address, arenaWords).set([start, start + arenaBytes, start, segmentBytes, runs, 0, runCapacity, 0])
    this.words(rejects, leafWords).fill(0)
    for (const leaves of this.known.values()) this.words(this.leavesOf(leaves, arena), leafWords * this.leavesPerMonth()).fill(0)
  }

  /**
   * Encodes the chunk's lines from number `fromLine` (counted in the chunk) into an arena: all of them, or up to where it
   * says why it stopped. Going on with the same chunk object behind the lines consumed copies nothing again.
   * Throws when the chunk does not hold as many lines as it says.
   */
  encode(arena: number, chunk: Chunk, fromLine = 0): Encoded {
    this.seek(chunk, fromLine)
    let result: Omit<Encoded, 'lines'> = { full: false }
    while (this.line < chunk.count) {
      if (this.offset === this.pieceTo && !this.loadPiece(chunk)) {
        if (!this.encodeTooLong(arena, chunk)) {
          result = { full: true }
          break
        }
        continue
      }
      const status = this.encodePiece(arena, chunk)
      if (status === 1) {
        result = { full: true }
        break
      }
      if (status === 2) {
        result = { full: false, unknownMonth: monthName(this.words(this.context, contextWords)[8] ?? 0) }
        break
      }
    }
    const lines = this.line - fromLine
    if (this.line === chunk.count) {
      const rest = chunk.lines.length - this.offset
      this.chunk = undefined
      if (rest !== 0)
        throw new RangeError(`the chunk at record ${chunk.first} says it has ${chunk.count} lines, but ${rest} bytes follow them`)
    }
    return { lines, ...result }
  }

  /** The leaves that hold rows, by month and remainder. */
  leaves(arena: number): Leaf[] {
    this.addresses(arena)
    const found: Leaf[] = []
    for (const [month, leaves] of [...this.known].sort(([a], [b]) => a - b)) {
      const first = this.leavesOf(leaves, arena)
      this.call('encodeSeal', first, this.leavesPerMonth())
      for (let remainder = 0; remainder < this.leavesPerMonth(); remainder++) {
        const tuples = this.tuples(first + remainder * leafBytes)
        if (tuples.rows > 0) found.push({ month: month < 0 ? '' : monthName(month), remainder, ...tuples })
      }
    }
    return found
  }

  /** The rejected lines, as tuples of (source, position, reason, length, line). */
  rejects(arena: number): Tuples {
    const { rejects } = this.addresses(arena)
    this.call('encodeSeal', rejects, 1)
    return this.tuples(rejects)
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

  private tuples(address: number): Tuples {
    const words = this.words(address, leafWords)
    const segments: Uint8Array[] = []
    let bytes = 0
    for (let segment = words[2] ?? 0; segment !== 0; ) {
      const [next = 0, length = 0] = this.words(segment, 2)
      segments.push(new Uint8Array(this.kernel.memory.buffer, segment + segmentHeaderBytes, length))
      bytes += length - messageHeaderBytes
      segment = next
    }
    return { segments, rows: words[4] ?? 0, bytes }
  }

  /** Makes `line` and `offset` those of line `fromLine` of the chunk. */
  private seek(chunk: Chunk, fromLine: number): void {
    requireWhole('fromLine', fromLine, 0, chunk.count)
    if (this.chunk === chunk && this.line === fromLine) return
    if (this.chunk !== chunk || this.line > fromLine) {
      this.chunk = chunk
      this.line = 0
      this.offset = 0
    }
    while (this.line < fromLine) {
      const newline = chunk.lines.indexOf(10, this.offset)
      if (newline < 0) throw this.tooFew(chunk)
      this.offset = newline + 1
      this.line++
    }
    this.pieceFrom = this.offset
    this.pieceTo = this.offset
  }

  /** Copies the next whole lines into the kernel; false when the next line is longer than its memory for them. */
  private loadPiece(chunk: Chunk): boolean {
    const { lines } = chunk
    if (this.offset === lines.length) throw this.tooFew(chunk)
    let end = lines.lastIndexOf(10, Math.min(this.offset + pieceBytes, lines.length) - 1) + 1
    if (end <= this.offset) {
      end = lines.indexOf(10, this.offset) + 1
      if (end === 0) throw new RangeError(`the chunk at record ${chunk.first} does not end with a newline`)
      if (end - this.offset > inputBytes) return false
    }
    this.kernel.bytes().set(lines.subarray(this.offset, end), this.input)
    this.copiedBytes += end - this.offset
    this.pieceFrom = this.offset
    this.pieceTo = end
    return true
  }

  private encodePiece(arena: number, chunk: Chunk): number {
    const { arena: address, rejects } = this.addresses(arena)
    const shift = this.input - this.pieceFrom
    const status = this.call(
      'encodeLines',
      this.context,
      address,
      rejects,
      arena,
      this.offset + shift,
      this.pieceTo + shift,
      chunk.source,
      chunk.first + this.line,
      chunk.count - this.line,
    )
    const words = this.words(this.context, contextWords)
    this.offset = (words[6] ?? 0) - shift
    this.line += words[7] ?? 0
    return status
  }

  /** Rejects the next line, of which only the part that is kept fits into the kernel's memory. */
  private encodeTooLong(arena: number, chunk: Chunk): boolean {
    const { arena: address, rejects } = this.addresses(arena)
    const length = chunk.lines.indexOf(10, this.offset) - this.offset
    this.kernel.bytes().set(chunk.lines.subarray(this.offset, this.offset + keptLineBytes), this.input)
    this.copiedBytes += keptLineBytes
    const position = chunk.first + this.line
    if (this.call('encodeTooLong', this.context, address, rejects, chunk.source, position, this.input, keptLineBytes, length) === 0)
      return false
    this.line++
    this.offset += length + 1
    this.pieceFrom = this.offset
    this.pieceTo = this.offset
    return true
  }

  private tooFew(chunk: Chunk): RangeError {
    return new RangeError(`the chunk at record ${chunk.first} says it has ${chunk.count} lines, but has ${this.line}`)
  }

  private register(month: number): void {
    const bytes = this.monthBytes()
    if (this.spareLeaves + bytes > this.spareLeavesEnd) this.reserveLeaves(bytes * 16)
    const leaves = this.spareLeaves
    this.spareLeaves += bytes
    this.words(leaves, bytes / 4).fill(0)
    this.known.set(month, leaves)
    this.words(this.monthTable + Math.max(month, 0) * 4, 1)[0] = leaves
  }

  private reserveLeaves(bytes: number): void {
    this.spareLeaves = this.kernel.alloc(bytes)
    this.spareLeavesEnd = this.spareLeaves + bytes
  }

  private leavesPerMonth(): number {
    return this.options.routed ? this.options.partitions : 1
  }

  private monthBytes(): number {
    return this.leavesPerMonth() * this.options.arenas * leafBytes
  }

  private leavesOf(month: number, arena: number): number {
    return month + arena * this.leavesPerMonth() * leafBytes
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

  private words(address: number, count: number): Uint32Array {
    return new Uint32Array(this.kernel.memory.buffer, address, count)
  }

  private call(name: string, ...values: number[]): number {
    const call = this.kernel.exports[name] as (...values: number[]) => number
    return call(...values)
  }
}

function requireWhole(name: string, value: number, min: number, max: number): void {
  if (!Number.isSafeInteger(value) || value < min || value > max) {
    throw new RangeError(`${name} must be a whole number from ${min} to ${max}, not ${value}`)
  }
}
