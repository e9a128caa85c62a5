/** A real log, plain or gzip, as a source of lines: read in order, in bounded memory. */
import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { type Buffers, freshBuffers } from './buffer-pool.js'
import { keptLineBytes, maxLineBytes } from './record.js'
import type { Cursor, FileSpec, Lines, Source } from './source.js'

const newline = 10

/** A longer line is not held in memory: only as much of it is shipped as shows that it is too long, and is kept. */
const longestHeldBytes = keptLineBytes + maxLineBytes
const shippedOfLonger = keptLineBytes + 1

export function fileSource(spec: FileSpec): Source {
  let counted: Promise<{ readonly lines: number; readonly bytes: number }> | undefined
  const count = () => {
    counted ??= countLines(spec.path)
    return counted
  }
  return {
    spec,
    length: async () => (await count()).lines,
    meanLineBytes: async () => {
      const { lines, bytes } = await count()
      return lines === 0 ? 0 : bytes / lines
    },
    months: () => undefined,
    open: async (first, buffers = freshBuffers) => {
      const cursor = new FileCursor(spec.path, buffers)
      while (cursor.position < first) if ((await cursor.next(first - cursor.position)) === undefined) break
      return cursor
    },
  }
}

class FileCursor implements Cursor {
  position = 0
  private readonly blocks: AsyncGenerator<Uint8Array>
  private buffer = Buffer.alloc(1 << 18)
  private start = 0
  private end = 0
  /** The rest of a line whose beginning was shipped is still to be skipped. */
  private skipping = false
  private ended = false

  constructor(
    path: string,
    private readonly buffers: Buffers,
  ) {
    this.blocks = readBlocks(path)
  }

  async next(maxRecords: number): Promise<Lines | undefined> {
    if (maxRecords < 1) return { lines: new Uint8Array(0), count: 0 }
    for (;;) {
      const lines = this.skipping ? undefined : this.take(maxRecords)
      if (lines !== undefined) {
        this.position += lines.count
        return lines
      }
      if (this.ended) return undefined
      await this.fill()
    }
  }

  async close(): Promise<void> {
    this.ended = true
    this.start = this.end = 0
    await this.blocks.return(undefined)
  }

  /** Whole lines of the buffer; at the end of the file its unfinished last line as well. */
  private take(maxRecords: number): Lines | undefined {
    let count = 0
    let to = this.start
    while (count < maxRecords && to < this.end) {
      const found = this.buffer.subarray(0, this.end).indexOf(newline, to)
      const lineEnd = found < 0 ? this.end : found
      if (lineEnd - to > longestHeldBytes) {
        if (count > 0) break
        return this.takeLonger(found)
      }
      if (found < 0) break
      to = found + 1
      count++
    }
    if (count > 0) {
      const lines = this.buffers.take(to - this.start)
      lines.set(this.buffer.subarray(this.start, to))
      this.start = to
      return { lines, count }
    }
    if (!this.ended || this.start === this.end) return undefined
    const lines = new Uint8Array(this.end - this.start + 1)
    lines.set(this.buffer.subarray(this.start, this.end))
    lines[lines.length - 1] = newline
    this.start = this.end
    return { lines, count: 1 }
  }

  private takeLonger(found: number): Lines {
    const lines = new Uint8Array(shippedOfLonger + 1)
    lines.set(this.buffer.subarray(this.start, this.start + shippedOfLonger))
    lines[shippedOfLonger] = newline
    this.skipping = found < 0
    this.start = found < 0 ? this.end : found + 1
    return { lines, count: 1 }
  }

  private async fill(): Promise<void> {
    const { value, done } = await this.blocks.next()
    if (done === true) {
      this.ended = true
      this.skipping = false
      return
    }
    let block = value
    if (this.skipping) {
      const found = block.indexOf(newline)
      if (found < 0) return
      block = block.subarray(found + 1)
      this.skipping = false
    }
    const held = this.end - this.start
    if (held + block.length > this.buffer.length) {
      const larger = Buffer.alloc(Math.max(this.buffer.length * 2, held + block.length))
      this.buffer.copy(larger, 0, this.start, this.end)
      this.buffer = larger
    } else this.buffer.copyWithin(0, this.start, this.end)
    this.buffer.set(block, held)
    this.start = 0
    this.end = held + block.length
  }
}

async function countLines(path: string): Promise<{ lines: number; bytes: number }> {
  let lines = 0
  let bytes = 0
  let last = newline
  for await (const block of readBlocks(path)) {
    for (let at = block.indexOf(newline); at >= 0; at = block.indexOf(newline, at + 1)) lines++
    bytes += block.length
    last = block[block.length - 1] ?? last
  }
  return last === newline ? { lines, bytes } : { lines: lines + 1, bytes: bytes + 1 }
}

/** The file's bytes, unpacked when its first two are those of gzip (RFC 1952), whatever its name. */
async function* readBlocks(path: string): AsyncGenerator<Uint8Array> {
  let packed = false
  let read = 0
  try {
    packed = await isGzip(path)
    const raw = createReadStream(path, { highWaterMark: 1 << 18 })
    if (!packed) {
      yield* Readable.from(raw) as AsyncIterable<Uint8Array>
      return
    }
    const unpacked = createGunzip({ chunkSize: 1 << 18 })
    raw.on('error', (error) => unpacked.destroy(error))
    raw.pipe(unpacked)
    try {
      for await (const block of unpacked as AsyncIterable<Uint8Array>) {
        read += block.length
        yield block
      }
    } finally {
      raw.destroy()
    }
  } catch (error) {
    throw readingError(path, packed, read, error as NodeJS.ErrnoException)
  }
}

async function isGzip(path: string): Promise<boolean> {
  const file = await open(path, 'r')
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(2), 0, 2, 0)
    return bytesRead === 2 && buffer[0] === 0x1f && buffer[1] === 0x8b
  } finally {
    await file.close()
  }
}

function readingError(path: string, packed: boolean, read: number, cause: NodeJS.ErrnoException): Error {
  const text =
    cause.code === 'ENOENT'
      ? `${path} does not exist; check the name`
      : cause.code === 'EISDIR'
        ? `${path} is a folder; name a log file in it`
        : cause.code === 'EACCES'
          ? `${path} may not be read; check its permissions`
          : cause.code === 'ESPIPE'
            ? `${path} is a pipe, which cannot be read twice; write it to a file first`
            : packed
              ? `${path} is a damaged or truncated gzip file (after ${read} unpacked bytes: ${cause.message}); test it with gzip -t`
              : `${path} cannot be read: ${cause.message}`
  return new Error(text, { cause })
}
