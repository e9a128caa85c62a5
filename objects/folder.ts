/** Objects as files of a directory, each on disk before it has its name. */
import { constants } from 'node:fs'
import { type FileHandle, mkdir, open, readdir, rename, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { type Buffers, freshBuffers } from '../generators/buffer-pool.js'
import { checkName, MissingObjectError, type Objects } from './objects.js'

/** Files that are being written begin so, followed by their writer's process id; a crash may leave one. */
const partial = '.partial-'

export interface FolderOptions {
  readonly folder: string
  /** Waits until the disk has an object before it counts as stored (default); false: it survives the process, not the machine. */
  readonly sync?: boolean
}

/** @throws Error when the folder cannot be made */
export async function openFolder({ folder, sync = true }: FolderOptions): Promise<Objects> {
  try {
    await mkdir(folder, { recursive: true })
    // What a crash has left was never told of as stored.
    for (const name of await readdir(folder)) if (isAbandoned(name)) await unlink(join(folder, name)).catch(() => undefined)
  } catch (error) {
    throw new Error(`the objects cannot be kept in ${folder}: ${messageOf(error)}; name another folder`, { cause: error })
  }
  return new Folder(folder, sync)
}

class Folder implements Objects {
  private written = 0

  constructor(
    private readonly folder: string,
    private readonly sync: boolean,
  ) {}

  async put(name: string, parts: readonly Uint8Array[]): Promise<void> {
    checkName(name)
    const path = join(this.folder, `${partial}${process.pid}-${++this.written}`)
    try {
      const file = await open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600)
      try {
        await writeAll(file, parts)
        if (this.sync) await file.sync()
      } finally {
        await file.close()
      }
      await rename(path, join(this.folder, name))
      if (this.sync) await this.syncFolder()
    } catch (error) {
      await unlink(path).catch(() => undefined)
      throw new Error(`the object ${name} could not be written to ${this.folder}: ${messageOf(error)}; is the disk full?`, { cause: error })
    }
  }

  async get(name: string, buffers: Buffers = freshBuffers): Promise<Uint8Array> {
    checkName(name)
    try {
      const file = await open(join(this.folder, name), constants.O_RDONLY)
      try {
        return await readAll(file, buffers)
      } finally {
        await file.close()
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw new MissingObjectError(name)
      throw error
    }
  }

  async list(after: string, most: number): Promise<readonly string[]> {
    const names = await readdir(this.folder)
    return names
      .filter((name) => !name.startsWith('.') && name > after)
      .sort()
      .slice(0, most)
  }

  async remove(name: string): Promise<void> {
    checkName(name)
    await unlink(join(this.folder, name)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error
    })
  }

  async close(): Promise<void> {}

  /** A name is on disk when its directory is. */
  private async syncFolder(): Promise<void> {
    const folder = await open(this.folder, constants.O_RDONLY)
    try {
      await folder.sync()
    } finally {
      await folder.close()
    }
  }
}

/** A file that nobody is writing any more. */
function isAbandoned(name: string): boolean {
  const [, pid] = /^\.partial-(\d+)-/.exec(name) ?? []
  if (pid === undefined) return false
  // This process has only begun to write, if it is the one that was meant: the id was given twice.
  if (Number(pid) === process.pid) return true
  try {
    process.kill(Number(pid), 0)
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH'
  }
}

async function readAll(file: FileHandle, buffers: Buffers): Promise<Uint8Array> {
  const { size } = await file.stat()
  const bytes = buffers.take(size)
  for (let at = 0; at < size; ) {
    const { bytesRead } = await file.read(bytes, at, size - at, at)
    if (bytesRead === 0) throw new Error('it became shorter while it was read')
    at += bytesRead
  }
  return bytes
}

async function writeAll(file: FileHandle, parts: readonly Uint8Array[]): Promise<void> {
  const bytes = parts.reduce((sum, part) => sum + part.length, 0)
  if (bytes === 0) return
  const { bytesWritten } = await file.writev([...parts])
  // A full disk takes a part and says so only when asked again.
  if (bytesWritten < bytes) throw new Error(`the disk took ${bytesWritten} of ${bytes} bytes`)
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
