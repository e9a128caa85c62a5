/** A generated stream as a source of lines. */
import { type Buffers, freshBuffers } from './buffer-pool.js'
import { blockRecords, checkStream, Renderer, recordTimeMs } from './renderer.js'
import type { Cursor, Lines, Source, StreamSpec } from './source.js'

/** Blocks that the mean length of a line is measured on, and how far apart they lie. */
const sampledBlocks = 16
const blocksApart = 9_973

const means = new Map<string, number>()

/** @throws when the spec is out of range (see `checkStream`). */
export function streamSource(spec: StreamSpec): Source {
  checkStream(spec)
  return {
    spec,
    length: async () => undefined,
    meanLineBytes: async () => meanLineBytes(spec),
    months: (first, count) => months(spec, first, count),
    open: async (first, buffers = freshBuffers) => new StreamCursor(spec, first, buffers),
  }
}

class StreamCursor implements Cursor {
  private readonly renderer: Renderer

  constructor(
    spec: StreamSpec,
    public position: number,
    private readonly buffers: Buffers,
  ) {
    this.renderer = new Renderer(spec)
  }

  next(maxRecords: number): Lines {
    const { bytes, count } = this.renderer.render(this.position, maxRecords)
    this.position += count
    const lines = this.buffers.take(bytes.length)
    lines.set(bytes)
    return { lines, count }
  }

  async close(): Promise<void> {}
}

function meanLineBytes(spec: StreamSpec): number {
  const { profile, format, hot } = spec
  const key = JSON.stringify({ profile, format, hot })
  const known = means.get(key)
  if (known !== undefined) return known
  // Neither seed nor time changes the distribution: one measurement serves all streams of a profile, format and hot value.
  const renderer = new Renderer({ ...spec, seed: '1' }, 1 << 18)
  let bytes = 0
  for (let block = 0; block < sampledBlocks; block++) {
    for (let done = 0; done < blockRecords; ) {
      const rendered = renderer.render(block * blocksApart * blockRecords + done, blockRecords - done)
      done += rendered.count
      bytes += rendered.bytes.length
    }
  }
  const mean = bytes / (sampledBlocks * blockRecords)
  means.set(key, mean)
  return mean
}

function months(spec: StreamSpec, first: number, count: number): readonly string[] {
  if (count <= 0) return []
  const names: string[] = []
  const last = new Date(recordTimeMs(spec, first + count - 1)).toISOString().slice(0, 7)
  const at = new Date(recordTimeMs(spec, first))
  at.setUTCDate(1)
  // Late records reach two months back (render-late.ts of the kernel).
  if (spec.late !== undefined) at.setUTCMonth(at.getUTCMonth() - 2)
  for (;;) {
    const name = at.toISOString().slice(0, 7)
    names.push(name)
    if (name >= last) return names
    at.setUTCMonth(at.getUTCMonth() + 1)
  }
}
