/** Lines in, blocks of ClickHouse's Native format out, one for each month: the host's side of the kernel's columns. */
import type { Kernel } from './kernel/kernel.js'
import type { Encoded } from './line-encoder.js'
import { defaultSegmentBytes, LineEncoder } from './line-encoder.js'
import type { Column } from './native-columns.js'
import { rejectColumns, rejectWidths, rowColumns, rowWidths } from './native-columns.js'
import type { Chunk, Format } from './record.js'
import { requireWhole } from './require-whole.js'

export interface NativeEncoderOptions {
  readonly format: Format
  /** Size of each arena. At least `minArenaBytes`, so that any line fits into an empty one. */
  readonly arenaBytes: number
  /** How many arenas: with two, one batch is encoded while the other is on the socket. */
  readonly arenas: number
  /** The largest usual segment of a text column, default 64 KiB. */
  readonly segmentBytes?: number
  /** Type of `created_at`, default 'DateTime'; another that lies as 32-bit seconds since 1970 will do, such as "DateTime('UTC')". */
  readonly createdAtType?: string
  /** Type of `remote_addr`, default 'IPv6'; both lie as sixteen bytes. */
  readonly remoteAddrType?: 'IPv6' | 'FixedString(16)'
}

/** A block of Native: what one INSERT ... FORMAT Native takes, alone or one behind the other. */
export interface NativeBlock {
  /**
   * Its bytes, in order: headers made by the host, and columns as views on the kernel's memory, valid until `begin` of this
   * arena. Empty when there are no rows.
   */
  readonly segments: Uint8Array[]
  readonly rows: number
  /** Bytes of all segments. */
  readonly bytes: number
}

/** The rows of one month. */
export interface MonthBlock extends NativeBlock {
  /** 'YYYY-MM', UTC. */
  readonly month: string
}

// Layouts shared with the kernel, in 32-bit words: Block and Texts of native-block.ts; bytes for the rest.
const blockWords = 8
const textsWords = 8
const rowTexts = 6
const destinationBytes = (blockWords + rowTexts * textsWords) * 4
const segmentHeaderBytes = 16
/** The first segment of six text columns, the first stripe and the longest line fit beside it. */
const mostOfArena = 16

/** Parses lines and lays them out in columns. Reserves all its memory when made; one thread's own. */
export class NativeEncoder extends LineEncoder {
  private readonly rowHeaders: readonly Uint8Array[]
  private readonly rejectHeaders = rejectColumns.map(columnHeader)
  private readonly rowColumns: readonly Column[]

  constructor(options: NativeEncoderOptions, kernel?: Kernel) {
    const { format, arenaBytes, arenas } = options
    const segmentBytes = options.segmentBytes ?? defaultSegmentBytes
    requireWhole('segmentBytes', segmentBytes, 256, Math.max(defaultSegmentBytes, Math.floor(arenaBytes / mostOfArena)))
    super({ format, arenaBytes, arenas, segmentBytes, key: 0, partitions: 1, destinationBytes, native: true, unmap: false }, kernel)
    this.rowColumns = rowColumns(options.createdAtType ?? 'DateTime', options.remoteAddrType ?? 'IPv6')
    this.rowHeaders = this.rowColumns.map(columnHeader)
  }

  /** As every encoder's, but that months need not be known. */
  override encode(arena: number, chunk: Chunk, fromLine = 0): Omit<Encoded, 'unknownMonth'> {
    for (let line = fromLine; ; ) {
      const { lines, full, unknownMonth } = super.encode(arena, chunk, line)
      line += lines
      if (unknownMonth === undefined) return { lines: line - fromLine, full }
      this.addMonth(unknownMonth)
    }
  }

  /** One block for each month that has rows, by month. */
  blocks(arena: number): MonthBlock[] {
    return this.destinations(arena)
      .map(({ month, address }) => ({ month, ...this.block(address, this.rowColumns, this.rowHeaders, rowWidths) }))
      .filter(({ rows }) => rows > 0)
  }

  /** The rejected lines: one block of (source, position, reason, length, line). */
  rejects(arena: number): NativeBlock {
    return this.block(this.rejectsOf(arena), rejectColumns, this.rejectHeaders, rejectWidths)
  }

  private block(address: number, columns: readonly Column[], headers: readonly Uint8Array[], widths: readonly number[]): NativeBlock {
    const [rows = 0, first = 0, , , used = 0] = this.words(address, blockWords)
    if (rows === 0) return { segments: [], rows, bytes: 0 }
    const stripes = this.stripes(first, used)
    const segments: Uint8Array[] = [Uint8Array.of(...varint(columns.length), ...varint(rows))]
    for (const [index, column] of columns.entries()) {
      segments.push(headers[index] ?? new Uint8Array())
      if (column.nulls !== undefined) this.pushFixed(segments, stripes, widths, column.nulls)
      if (column.fixed !== undefined) this.pushFixed(segments, stripes, widths, column.fixed)
      if (column.text !== undefined) this.pushTexts(segments, address + (blockWords + column.text * textsWords) * 4)
    }
    return { segments, rows, bytes: segments.reduce((sum, { length }) => sum + length, 0) }
  }

  private stripes(first: number, used: number): Stripe[] {
    const stripes: Stripe[] = []
    for (let address = first; address !== 0; ) {
      const [next = 0, rows = 0, capacity = 0] = this.words(address, 3)
      stripes.push({ values: address + segmentHeaderBytes, rows: next === 0 ? used : rows, capacity })
      address = next
    }
    return stripes
  }

  /** Column `index` of the stripes, which hold their columns one behind the other. */
  private pushFixed(segments: Uint8Array[], stripes: readonly Stripe[], widths: readonly number[], index: number): void {
    const width = widths[index] ?? 0
    const before = widths.slice(0, index).reduce((sum, width) => sum + width, 0)
    for (const { values, rows, capacity } of stripes)
      segments.push(new Uint8Array(this.kernel.memory.buffer, values + before * capacity, rows * width))
  }

  private pushTexts(segments: Uint8Array[], texts: number): void {
    const [cursor = 0, , first = 0] = this.words(texts, 4)
    for (let address = first; address !== 0; ) {
      const [next = 0, complete = 0] = this.words(address, 2)
      const bytes = next === 0 ? cursor - address - segmentHeaderBytes : complete
      if (bytes > 0) segments.push(new Uint8Array(this.kernel.memory.buffer, address + segmentHeaderBytes, bytes))
      address = next
    }
  }
}

interface Stripe {
  /** Address of its values. */
  readonly values: number
  readonly rows: number
  readonly capacity: number
}

/** What stands before a column's data: its name and its type. */
function columnHeader({ name, type }: Column): Uint8Array {
  const texts = [name, type].map((text) => new TextEncoder().encode(text))
  return Uint8Array.from(texts.flatMap((text) => [...varint(text.length), ...text]))
}

/** A whole number in seven bits a byte, lowest first; all but the last byte have their highest bit set. */
function varint(value: number): number[] {
  const bytes: number[] = []
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest]
    bytes.push((rest % 128) + 128)
  }
}
