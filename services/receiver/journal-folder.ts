/** Where a receiver's journals lie: a folder of its own, named after its process, beside those of others; those of the dead are taken over. */
import { createHash, randomBytes } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, rmdir, stat, unlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { makeFolder, syncFolder } from '../../objects/durable-folder.js'

const ending = '.journal'
/** Kept for whoever wants to know what was lost: no receiver reads it. */
const tornEnding = '.torn'
/** Its time of change says when the folder's owner lived last; in it stands where the owner's objects go. */
const sign = 'alive'

export interface JournalFolder {
  readonly own: string
  /**
   * Moves the journals of receivers that are no more into this one's folder, and returns their paths: nobody else stores them.
   * To be called now and then.
   */
  takeOver(): Promise<readonly string[]>
  /** The owner goes. What it has not stored stays for others. */
  close(): Promise<void>
}

/** For those who write no journals. */
export const noJournals: JournalFolder = { own: '', takeOver: async () => [], close: async () => undefined }

export interface JournalFolderOptions {
  /**
   * Where the owner's objects go, in words that mean the same to whoever takes over: journals for another place are left alone,
   * since their records would end up where nobody looks for them.
   */
  readonly place: string
  /** How often the owner gives a sign of life. */
  readonly signMs?: number
  /** A receiver whose process cannot be looked at from here is no more when it gave no sign for so long. */
  readonly silentMs?: number
  onTrouble?(message: string): void
}

/**
 * A receiver whose process this one can see lives as long as its process. Of others, in another container or on another
 * machine, a sign of life has to be younger than `silentMs`, by the clock of the folder's file system.
 * @throws Error when the folder cannot be used
 */
export async function openJournalFolder(
  folder: string,
  { place, signMs = 5_000, silentMs = 60_000, onTrouble }: JournalFolderOptions,
): Promise<JournalFolder> {
  const own = join(folder, `${nameOf(process.pid)}.${processesHere}.${digestOf(place)}-${randomBytes(6).toString('hex')}`)
  await makeFolder(own, 0o700)
  const giveSign = async () => {
    await remakeFolder(own)
    await writeFile(join(own, sign), place)
  }
  await giveSign()
  const timer = setInterval(() => void giveSign().catch(() => undefined), signMs).unref()
  const lives = async (other: string, { pid, start, processes }: Owner): Promise<boolean> => {
    if (processes === processesHere) return processLives(pid, start)
    const last = await signOf(join(folder, other))
    return last === undefined || ((await signOf(own)) ?? Number.NEGATIVE_INFINITY) - last < silentMs
  }
  const left = new Set<string>()
  const leave = async (other: string) => {
    if (left.has(other)) return
    const files = await readdir(other).catch(() => [])
    const elsewhere = await readFile(join(other, sign), 'utf8').catch(() => 'an unknown place')
    if (!files.some((file) => file.endsWith(ending))) return removeEmpty(other)
    left.add(other)
    onTrouble?.(
      `the write-ahead logs in ${other} are of a receiver that is no more and are for objects in ${elsewhere}, not in ${place}: a receiver started with those --objects stores them`,
    )
  }
  return {
    own,
    async takeOver() {
      const taken: string[] = []
      await giveSign()
      for (const other of (await readdir(folder)).sort()) {
        const from = join(folder, other)
        const owner = ownerOf(other)
        if (owner === undefined || from === own || (await lives(other, owner))) continue
        if (owner.place !== digestOf(place)) {
          await leave(from)
          continue
        }
        for (const file of await readdir(from).catch(() => [])) {
          if (!file.endsWith(ending)) continue
          // Of several that try, one succeeds.
          await rename(join(from, file), join(own, file)).then(
            () => taken.push(join(own, file)),
            () => undefined,
          )
        }
        await removeEmpty(from)
      }
      if (taken.length > 0) await syncFolder(own)
      return taken
    },
    async close() {
      clearInterval(timer)
      await removeEmpty(own)
    },
  }
}

/**
 * Makes a receiver's own folder again, which whoever took it for dead has removed. Not those above it: where they are gone, so
 * is the disk that they were on, or somebody has moved them.
 */
export async function remakeFolder(own: string): Promise<void> {
  try {
    await mkdir(own, { mode: 0o700 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return
    throw error
  }
  await syncFolder(dirname(own))
}

export function journalPath(own: string, batch: string): string {
  return join(own, `${batch}${ending}`)
}

/** The batch's name, from its journal's path. */
export function batchOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1, -ending.length)
}

/** Puts a journal aside that could not be read to its end, beside the folders of receivers. Returns where it is. */
export async function keepTorn(path: string): Promise<string> {
  const aside = join(path, '..', '..', `${batchOf(path)}${tornEnding}`)
  await rename(path, aside)
  return aside
}

/** When the owner gave its last sign, or the folder came into being; undefined when it is gone. */
async function signOf(folder: string): Promise<number | undefined> {
  const found = (await stat(join(folder, sign)).catch(() => undefined)) ?? (await stat(folder).catch(() => undefined))
  return found?.mtimeMs
}

/** A folder without journals goes. */
async function removeEmpty(folder: string): Promise<void> {
  const files = await readdir(folder).catch(() => [])
  if (files.some((file) => file !== sign)) return
  await unlink(join(folder, sign)).catch(() => undefined)
  await rmdir(folder).catch(() => undefined)
}

interface Owner {
  readonly pid: number
  readonly start: string
  readonly processes: string
  readonly place: string
}

/** Whose folder it is, by its name. */
function ownerOf(name: string): Owner | undefined {
  const [, pid, start = '', processes = '', place = ''] = /^(\d+)\.(\d+|unknown)\.([0-9a-f]+)\.([0-9a-f]+)-[0-9a-z]+$/.exec(name) ?? []
  return pid === undefined ? undefined : { pid: Number(pid), start, processes, place }
}

/** A process id alone is used again; with the time of its start it is not. */
function nameOf(pid: number): string {
  return `${pid}.${statOf(pid)?.start ?? 'unknown'}`
}

/** Whose processes can be seen from here: those of this start of the machine, in this namespace. */
const processesHere = digestOf(`${read('/proc/sys/kernel/random/boot_id')} ${namespace()}`)

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 12)
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return ''
  }
}

function namespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid')
  } catch {
    return ''
  }
}

function processLives(pid: number, start: string): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    // EPERM: there is one, of somebody else's.
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
  }
  const found = statOf(pid)
  // A zombie holds nothing any more, and may stay for as long as nobody asks how it ended.
  return found?.state !== 'Z' && (found?.start ?? 'unknown') === start
}

/** A process's state, and when it started in ticks since the machine did (proc(5), fields 3 and 22); undefined where the kernel does not say. */
function statOf(pid: number): { readonly state: string | undefined; readonly start: string | undefined } | undefined {
  const text = read(`/proc/${pid}/stat`)
  if (text === '') return undefined
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return { state: fields[0], start: fields[19] }
}
