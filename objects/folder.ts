/** Objects as files of a directory, each on disk before it has its name. */
import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { access, type FileHandle, link, open, readdir, rename, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { type Buffers, freshBuffers } from '../generators/buffer-pool.js'
import { makeFolder, syncFolder } from './durable-folder.js'
import { checkName, isName, MissingObjectError, type Objects, TakenNameError } from './objects.js'

/** Files that are being written begin so, followed by their writer's process id; a crash may leave one. */
const partial = '.partial-'
/** Ids of processes are used again. */
const session = randomBytes(4).toString('hex')
let written = 0

export interface FolderOptions {
  readonly folder: string
  /** Waits until the disk has an object before it counts as stored (default); false: it survives the process, not the machine. */
  readonly sync?: boolean
}

/** @throws Error when the folder cannot be made */
export async function openFolder({ folder, sync = true }: FolderOptions): Promise<Objects> {
  try {
    await makeFolder(folder)
    // What a crash has left was never told of as stored.
    for (const name of await readdir(folder)) if (isAbandoned(name)) await unlink(join(folder, name)).catch(() => undefined)
  } catch (error) {
    throw new Error(`the objects cannot be kept in ${folder}: ${messageOf(error)}; name another folder`, { cause: error })
  }
  return new Folder(folder, sync)
}

class Folder implements Objects {
  constructor(
    private readonly folder: string,
    private readonly sync: boolean,
  ) {}

  async put(name: string, parts: readonly Uint8Array[]): Promise<void> {
    checkName(name)
    const path = join(this.folder, `${partial}${process.pid}-${session}-${++written}`)
    try {
      const file = await open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600)
      try {
        await writeAll(file, parts)
        if (this.sync) await file.sync()
      } finally {
        await file.close()
      }
      await entitle(path, join(this.folder, name))
      if (this.sync) await syncFolder(this.folder)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return await this.compare(name, parts)
      throw new Error(`the object ${name} could not be written to ${this.folder}: ${messageOf(error)}; is the disk full?`, { cause: error })
    } finally {
      await unlink(path).catch(() => undefined)
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
    const found = await readdir(this.folder, { withFileTypes: true })
    return found
      .filter((entry) => entry.isFile() && isName(entry.name) && entry.name > after)
      .map(({ name }) => name)
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

  /** @throws TakenNameError when what has the name is something else */
  private async compare(name: string, parts: readonly Uint8Array[]): Promise<void> {
    const there = await this.get(name)
    // Whoever put it may have failed at just this; and a caller that finds its lines there in other words counts on it, too.
    if (this.sync) await syncFolder(this.folder)
    if (!Buffer.concat(parts).equals(there)) throw new TakenNameError(name, this.folder)
  }
}

/** A file that nobody is writing any more. */
function isAbandoned(name: string): boolean {
  if (!name.startsWith(partial)) return false
  const [pid, of] = name.slice(partial.length).split('-')
  if (Number(pid) === process.pid) return of !== session
  try {
    process.kill(Number(pid), 0)
    return false
  } catch (error) {
    // EPERM: there is one, of somebody else's.
    return (error as NodeJS.ErrnoException).code === 'ESRCH'
  }
}

/** Gives a file its name, unless another has it (EEXIST). */
async function entitle(path: string, name: string): Promise<void> {
  try {
    await link(path, name)
  } catch (error) {
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
    // A file system without hard links. Nobody else comes between: a name is one receiver's alone.
    const taken = await access(name).then(
      () => true,
      () => false,
    )
    if (taken) throw Object.assign(new Error(`${name} is there already`), { code: 'EEXIST' })
    await rename(path, name)
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
