/** What tests of the encoder share: encode lines however often it stops, and decode all that came out. */
import type { Encoder, Run } from './encoder.js'
import { messageHeaderBytes } from './encoder.js'
import type { Chunk } from './record.js'
import type { RejectTuple, RowTuple } from './tuples.js'
import { decodeRejects, decodeRows } from './tuples.js'

export interface EncodedLines {
  readonly rows: readonly (RowTuple & { readonly month: string; readonly remainder: number })[]
  readonly rejects: readonly RejectTuple[]
  readonly runs: readonly Run[]
  /** How often an arena was full. */
  readonly stops: number
}

/** A chunk of these lines; a string is taken as latin1 so that any byte can be written. */
export function chunkOf(lines: readonly (string | Uint8Array)[], first = 0, source = 1): Chunk {
  const bytes = Buffer.concat(lines.flatMap((line) => [typeof line === 'string' ? Buffer.from(line, 'latin1') : line, Buffer.from('\n')]))
  return { source, first, count: lines.length, lines: new Uint8Array(bytes) }
}

/** Encodes whole chunks, adding months and emptying the arena as asked; rows come in the order of their positions. */
export function encodeAll(encoder: Encoder, chunks: readonly Chunk[]): EncodedLines {
  const rows: EncodedLines['rows'][number][] = []
  const rejects: RejectTuple[] = []
  const runs: Run[] = []
  let stops = 0
  const empty = () => {
    for (const { month, remainder, segments } of encoder.leaves(0)) {
      for (const segment of segments) rows.push(...decodeRows(tuplesOf(segment)).map((row) => ({ ...row, month, remainder })))
    }
    for (const segment of encoder.rejects(0).segments) rejects.push(...decodeRejects(tuplesOf(segment)))
    runs.push(...encoder.runs(0))
    encoder.begin(0)
  }
  encoder.begin(0)
  for (const chunk of chunks) {
    for (let line = 0; line < chunk.count; ) {
      const { lines, full, unknownMonth } = encoder.encode(0, chunk, line)
      line += lines
      if (unknownMonth) encoder.addMonth(unknownMonth)
      if (full) {
        stops++
        empty()
      }
      if (!full && !unknownMonth && line < chunk.count) throw new Error(`the encoder stopped at line ${line} for no reason`)
    }
  }
  empty()
  rows.sort((a, b) => a.source - b.source || a.position - b.position)
  return { rows, rejects, runs, stops }
}

/** A message's tuples; throws when its header is not that of a CopyData of its length. */
function tuplesOf(message: Uint8Array): Uint8Array {
  const length = new DataView(message.buffer, message.byteOffset).getInt32(1)
  if (message[0] !== 0x64 || length !== message.length - 1) throw new Error('a segment is not a CopyData message')
  return message.subarray(messageHeaderBytes)
}
