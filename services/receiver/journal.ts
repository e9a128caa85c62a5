/**
 * The write-ahead log of one batch: what lies in it is on disk before anybody is told, however many wait for the same flush.
 * An entry is the length of its payload and its CRC-32, 32 bits each, then the payload: a line of JSON and the lines.
 */
import { constants } from 'node:fs'
import { type FileHandle, open, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { crc32 } from 'node:zlib'
import type { Format, Range } from '../../generators/record.js'
import { syncFolder } from '../../objects/durable-folder.js'
import { remakeFolder } from './journal-folder.js'

/** Lines of one source that came in one request. */
export interface Entry extends Range {
  readonly format: Format
  readonly lines: Uint8Array
}

interface Waiting {
  readonly parts: readonly Uint8Array[]
  resolve(): void
  reject(error: unknown): void
}

const headBytes = 8
/** Read at once, of what are no entries. */
const restBytes = 65_536

export class Journal {
  private readonly waiting: Waiting[] = []
  private writing: Promise<void> | undefined
  private failure: unknown

  private constructor(
    readonly path: string,
    private readonly file: FileHandle,
  ) {}

  /** @throws Error when the file cannot be made */
  static async create(path: string): Promise<Journal> {
    await remakeFolder(dirname(path))
    const file = await open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_APPEND, 0o600)
    await syncFolder(dirname(path))
    return new Journal(path, file)
  }

  /**
   * Resolves when the entry is on disk. Entries that come while the disk is busy go there together (group commit).
   * @throws Error when it may not be there; the journal takes nothing more then, since nothing behind a torn entry is read
   */
  append(entry: Entry): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.failure !== undefined) return reject(this.failure)
      this.waiting.push({ parts: encode(entry), resolve, reject })
      this.writing ??= this.write()
    })
  }

  /** Waits for what is under way, and closes the file. Idempotent. */
  async close(): Promise<void> {
    await this.writing
    await this.file.close()
  }

  /** The batch is safe elsewhere. A journal that is gone already was taken over, by one that took this receiver for dead. */
  async remove(): Promise<void> {
    await this.close()
    await unlink(this.path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error
    })
  }

  private async write(): Promise<void> {
    while (this.waiting.length > 0) {
      const group = this.waiting.splice(0)
      try {
        if (this.failure !== undefined) throw this.failure
        const parts = group.flatMap((one) => one.parts)
        const bytes = parts.reduce((sum, part) => sum + part.length, 0)
        const { bytesWritten } = await this.file.writev(parts)
        if (bytesWritten < bytes) throw new Error(`the disk took ${bytesWritten} of ${bytes} bytes: is it full?`)
        await this.file.datasync()
        for (const one of group) one.resolve()
      } catch (error) {
        this.failure = error
        for (const one of group) one.reject(error)
      }
    }
    // At once: an entry that came between the end of the loop and this would wait for ever.
    this.writing = undefined
  }
}

export interface ReadJournal {
  readonly entries: readonly Entry[]
  /** Bytes behind the last entry that are none, but for zeros, which are room that was never written to. */
  readonly torn: number
}

/**
 * The entries of a journal, up to the first that is not whole: one that was never told of as durable, unless the disk has
 * damaged it since.
 * @throws Error when it cannot be read, which says nothing about what it holds
 */
export async function readJournal(path: string): Promise<ReadJournal> {
  const file = await open(path, constants.O_RDONLY)
  try {
    // Entry by entry: a file may be larger than any buffer.
    const { size } = await file.stat()
    const entries: Entry[] = []
    let at = 0
    while (at + headBytes <= size) {
      const head = await readAt(file, at, headBytes)
      const length = head.readUInt32LE(0)
      if (length === 0 || at + headBytes + length > size) break
      const payload = await readAt(file, at + headBytes, length)
      const entry = crc32(payload) === head.readUInt32LE(4) ? decode(payload) : undefined
      if (entry === undefined) break
      entries.push(entry)
      at += headBytes + length
    }
    return { entries, torn: (await isEmpty(file, at, size)) ? 0 : size - at }
  } finally {
    await file.close()
  }
}

async function readAt(file: FileHandle, at: number, bytes: number): Promise<Buffer> {
  const into = Buffer.allocUnsafe(bytes)
  for (let done = 0; done < bytes; ) {
    const { bytesRead } = await file.read(into, done, bytes - done, at + done)
    if (bytesRead === 0) throw new Error('it became shorter while it was read')
    done += bytesRead
  }
  return into
}

/** Whether there are but zeros from one place to another. */
async function isEmpty(file: FileHandle, from: number, to: number): Promise<boolean> {
  for (let at = from; at < to; at += restBytes) {
    const rest = await readAt(file, at, Math.min(restBytes, to - at))
    if (rest.some((byte) => byte !== 0)) return false
  }
  return true
}

function decode(payload: Buffer): Entry | undefined {
  const end = payload.indexOf(10)
  if (end < 0) return undefined
  try {
    const { source, first, count, format } = JSON.parse(payload.subarray(0, end).toString()) as Omit<Entry, 'lines'>
    return { source, first, count, format, lines: payload.subarray(end + 1) }
  } catch {
    return undefined
  }
}

function encode({ source, first, count, format, lines }: Entry): readonly Uint8Array[] {
  const about = Buffer.from(`${JSON.stringify({ source, first, count, format })}\n`)
  const head = Buffer.alloc(headBytes)
  head.writeUInt32LE(about.length + lines.length, 0)
  head.writeUInt32LE(crc32(lines, crc32(about)), 4)
  return [head, about, lines]
}
