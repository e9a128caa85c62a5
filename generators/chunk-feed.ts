/** Hands a chunk's lines to the kernel: whole lines at a time, in pieces that stay in a core's cache, each byte copied once. */
import type { Kernel } from './kernel/kernel.js'
import type { Chunk } from './record.js'
import { keptLineBytes } from './record.js'
import { requireWhole } from './require-whole.js'

/** Kernel memory is read this much past a chunk's end, never heeded. */
const padding = 64
/** What is parsed at once: small enough to stay in a core's cache. */
const pieceBytes = 262_144
/** The most that must lie in memory at once: what is kept of the longest line. */
const inputBytes = keptLineBytes + 1

/** Where one chunk's lines are read up to, and which of its bytes lie in the kernel. */
export class ChunkFeed {
  /** Bytes copied into the kernel's memory so far. */
  copiedBytes = 0
  /** Lines of the chunk that were consumed. */
  line = 0
  /** Where the kernel's room for lines begins. */
  readonly input: number
  private chunk: Chunk | undefined
  /** Bytes of the chunk that were consumed. */
  private offset = 0
  private pieceFrom = 0
  private pieceTo = 0

  constructor(private readonly kernel: Kernel) {
    this.input = kernel.alloc(padding + inputBytes + padding) + padding
  }

  /** Makes line `fromLine` of the chunk the next one. Going on behind the lines consumed costs nothing. */
  seek(chunk: Chunk, fromLine: number): void {
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

  /** Sees to it that the next line lies in the kernel; false when it is longer than the room for it. */
  load(chunk: Chunk): boolean {
    if (this.offset !== this.pieceTo) return true
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

  /** Addresses of the lines that lie in the kernel and are not consumed. */
  piece(): { readonly from: number; readonly to: number } {
    const shift = this.input - this.pieceFrom
    return { from: this.offset + shift, to: this.pieceTo + shift }
  }

  /** Consumes some lines of the piece, up to an address. */
  consume(lines: number, address: number): void {
    this.offset = address - this.input + this.pieceFrom
    this.line += lines
  }

  /** Lays what is kept of a line that is too long into the kernel; returns the whole line's length. */
  loadKept(chunk: Chunk): number {
    this.kernel.bytes().set(chunk.lines.subarray(this.offset, this.offset + keptLineBytes), this.input)
    this.copiedBytes += keptLineBytes
    return chunk.lines.indexOf(10, this.offset) - this.offset
  }

  /** Consumes a line that is too long. */
  consumeKept(length: number): void {
    this.line++
    this.offset += length + 1
    this.pieceFrom = this.offset
    this.pieceTo = this.offset
  }

  /** Forgets a chunk whose lines are all consumed. Throws when it holds more than it says. */
  finish(chunk: Chunk): void {
    this.chunk = undefined
    const rest = chunk.lines.length - this.offset
    if (rest !== 0)
      throw new RangeError(`the chunk at record ${chunk.first} says it has ${chunk.count} lines, but ${rest} bytes follow them`)
  }

  private tooFew(chunk: Chunk): RangeError {
    return new RangeError(`the chunk at record ${chunk.first} says it has ${chunk.count} lines, but has ${this.line}`)
  }
}
