/** Spools chunks into logfiles: runs of consecutive lines in files of at most so many records, on disk before anyone is told. */
import { open, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { Chunk } from '../../generators/record.js'
import type { Logfile } from '../../stores/store.js'

export interface SpoolOptions {
  /** A file closes with the chunk that brings it to this many records. */
  readonly fileRecords: number
  /** A file closes this long after its first chunk came, full or not. */
  readonly lingerMs: number
  /** Waits until the disk has the file before it counts as written. */
  readonly sync: boolean
}

/**
 * Writes the chunks of one logfile, in order.
 * @throws Error that names the file; it is gone then, as far as that was possible
 */
async function writeFile(path: string, chunks: readonly Chunk[], sync: boolean): Promise<void> {
  try {
    const file = await open(path, 'wx')
    try {
      const bytes = chunks.reduce((sum, { lines }) => sum + lines.length, 0)
      const { bytesWritten } = await file.writev(chunks.map((chunk) => chunk.lines))
      // A full disk takes a part and says so only when asked again.
      if (bytesWritten < bytes) throw new Error(`the disk took ${bytesWritten} of ${bytes} bytes: is it full?`)
      if (sync) await file.datasync()
    } finally {
      await file.close()
    }
  } catch (error) {
    await unlink(path).catch(() => undefined)
    throw new Error(
      `the spool could not be written: ${error instanceof Error ? error.message : String(error)} (${path}); free some space, or point TMPDIR at another disk`,
      { cause: error },
    )
  }
}

/**
 * One source's chunks in order of arrival. A gap in the positions, or another source, begins a new file.
 * @param written is told of every file that is on disk, one at a time and in order
 */
export class Spool {
  private chunks: Chunk[] = []
  private records = 0
  private files = 0
  private timer: NodeJS.Timeout | undefined
  private tail: Promise<void> = Promise.resolve()

  constructor(
    private readonly folder: string,
    private readonly options: SpoolOptions,
    private readonly written: (file: Omit<Logfile, 'id'>) => Promise<void>,
    private readonly failed: (chunks: readonly Chunk[], error: unknown) => void,
    private readonly recycle: (lines: Uint8Array) => void,
  ) {}

  add(chunk: Chunk): void {
    const last = this.chunks.at(-1)
    if (last !== undefined && (last.source !== chunk.source || last.first + last.count !== chunk.first)) this.close()
    this.chunks.push(chunk)
    this.records += chunk.count
    if (this.records >= this.options.fileRecords) this.close()
    else this.timer ??= setTimeout(() => this.close(), this.options.lingerMs)
  }

  /** Closes the file that is open and resolves when all are on disk and told of. */
  async flush(): Promise<void> {
    this.close()
    await this.tail
  }

  /** Resolves when all files closed so far are on disk and told of, or given up. */
  idle(): Promise<void> {
    return this.tail
  }

  /** Forgets what is not on its way to the disk yet. */
  stop(): void {
    clearTimeout(this.timer)
    this.chunks = []
    this.records = 0
  }

  private close(): void {
    clearTimeout(this.timer)
    this.timer = undefined
    const [head] = this.chunks
    if (head === undefined) return
    const chunks = this.chunks
    const count = this.records
    this.chunks = []
    this.records = 0
    const path = join(this.folder, `access-${String(++this.files).padStart(6, '0')}.log`)
    const writing = writeFile(path, chunks, this.options.sync).finally(() => {
      for (const { lines } of chunks) this.recycle(lines)
    })
    // The writes themselves overlap; the telling keeps the order.
    this.tail = Promise.allSettled([writing, this.tail]).then(async ([write]) => {
      try {
        if (write.status === 'rejected') throw write.reason
        await this.written({ path, ranges: [{ source: head.source, first: head.first, count }] })
      } catch (error) {
        this.failed(chunks, error)
      }
    })
  }
}
