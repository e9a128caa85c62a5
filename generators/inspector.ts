/** Looks at lines without encoding them: which are records, why the others are not, and where a record names a person. */
import { Kernel } from './kernel/kernel.js'
import { type Format, formats, type RejectReason, rejectReasons } from './record.js'

/** What an inspection says of one line. */
export interface InspectedLine {
  /** Where the line begins in what was inspected, and its bytes, newline included. */
  readonly at: number
  readonly bytes: number
  /** undefined: it is a record. */
  readonly reason: RejectReason | undefined
  /** Of a record of the combined or common format: bytes of the address, with which it begins. Otherwise 0. */
  readonly addressBytes: number
  /** And the user's name, counted from the line's beginning; 0 bytes when it names none. */
  readonly userAt: number
  readonly userBytes: number
}

/** A line that is no record, counted from the first. */
export interface Reject {
  readonly line: number
  readonly reason: RejectReason
}

/** Told of an entry: where its line begins, and its words, from index `i` on. */
type Take = (at: number, words: Uint32Array, i: number) => void

const entryWords = 5
const entriesAtOnce = 4096
const pieceBytes = 262_144
/** The kernel reads this much past the end, never heeding it. */
const padding = 64
const newline = 10

/** Reserves its memory when made; one thread's own. */
export class Inspector {
  private readonly kernel = new Kernel()
  private readonly input: number
  private readonly entries: number

  constructor() {
    this.input = this.kernel.alloc(padding + pieceBytes + padding) + padding
    this.entries = this.kernel.alloc(entriesAtOnce * entryWords * 4)
  }

  /**
   * Tells of every line, in order.
   * @param lines whole lines, the last ended by a newline as well
   * @throws RangeError when the last line is not ended
   */
  inspect(lines: Uint8Array, format: Format, tell: (line: InspectedLine) => void): void {
    this.entriesOf(lines, format, (at, words, i) => {
      const [bytes = 0, reason = 0, addressBytes = 0, userAt = 0, userBytes = 0] = words.subarray(i, i + entryWords)
      tell({ at, bytes, reason: rejectReasons[reason - 1], addressBytes, userAt, userBytes })
    })
  }

  /**
   * Counts lines, and names those that are no records: nothing is made for the others.
   * @throws RangeError when the last line is not ended
   */
  survey(lines: Uint8Array, format: Format): { readonly count: number; readonly rejects: readonly Reject[] } {
    const rejects: Reject[] = []
    let count = 0
    this.entriesOf(lines, format, (_at, words, i) => {
      const reason = words[i + 1] ?? 0
      if (reason > 0) rejects.push({ line: count, reason: rejectReasons[reason - 1] as RejectReason })
      count++
    })
    return { count, rejects }
  }

  private entriesOf(lines: Uint8Array, format: Format, take: Take): void {
    for (let at = 0; at < lines.length; ) {
      let end = lines.lastIndexOf(newline, Math.min(at + pieceBytes, lines.length) - 1) + 1
      if (end <= at) {
        end = lines.indexOf(newline, at) + 1
        if (end === 0) throw new RangeError('the last line is not ended by a newline')
        // Longer than the room for a piece, hence longer than any record may be.
        take(at, Uint32Array.of(end - at, 1 + rejectReasons.indexOf('line too long'), 0, 0, 0), 0)
      } else {
        this.piece(lines.subarray(at, end), at, format, take)
      }
      at = end
    }
  }

  private piece(lines: Uint8Array, from: number, format: Format, take: Take): void {
    this.kernel.bytes().set(lines, this.input)
    const inspectLines = this.kernel.exports['inspectLines'] as (...values: number[]) => number
    const formatIndex = formats.indexOf(format)
    for (let at = 0; at < lines.length; ) {
      const count = inspectLines(formatIndex, this.input + at, this.input + lines.length, this.entries, entriesAtOnce)
      const words = new Uint32Array(this.kernel.memory.buffer, this.entries, count * entryWords)
      for (let i = 0; i < words.length; i += entryWords) {
        take(from + at, words, i)
        at += words[i] ?? 0
      }
    }
  }
}
