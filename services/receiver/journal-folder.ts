/** Where a receiver's journals lie: a folder of its own, named after its process, beside those of others; those of the dead are taken over. */
import { readFileSync } from 'node:fs'
import { mkdir, readdir, rename, rmdir } from 'node:fs/promises'
import { join } from 'node:path'

const ending = '.journal'

export interface JournalFolder {
  readonly own: string
  /** Journals of receivers that are no more, in this one's folder now: nobody else stores them. */
  readonly orphans: readonly string[]
}

/** @throws Error when the folder cannot be used */
export async function openJournalFolder(folder: string): Promise<JournalFolder> {
  const name = nameOf(process.pid)
  const own = join(folder, `${name}-${Date.now().toString(36)}`)
  await mkdir(own, { recursive: true, mode: 0o700 })
  const orphans: string[] = []
  for (const other of (await readdir(folder)).sort()) {
    if (join(folder, other) === own || lives(other)) continue
    for (const file of await readdir(join(folder, other)).catch(() => [])) {
      if (!file.endsWith(ending)) continue
      // Of several that try, one succeeds.
      const taken = await rename(join(folder, other, file), join(own, file)).then(
        () => true,
        () => false,
      )
      if (taken) orphans.push(join(own, file))
    }
    await rmdir(join(folder, other)).catch(() => undefined)
  }
  return { own, orphans }
}

export function journalPath(own: string, batch: string): string {
  return join(own, `${batch}${ending}`)
}

/** The batch's name, from its journal's path. */
export function batchOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1, -ending.length)
}

/** A process id alone is used again; with the time of its start it is not. */
function nameOf(pid: number): string {
  return `${pid}.${statOf(pid)?.start ?? 'unknown'}`
}

function lives(folder: string): boolean {
  const [, pid, start] = /^(\d+)\.(\d+|unknown)-[0-9a-z]+$/.exec(folder) ?? []
  if (pid === undefined) return true
  try {
    process.kill(Number(pid), 0)
  } catch (error) {
    // EPERM: there is one, of somebody else's.
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
  }
  const stat = statOf(Number(pid))
  // A zombie holds nothing any more, and may stay for as long as nobody asks how it ended.
  return stat?.state !== 'Z' && (stat?.start ?? 'unknown') === start
}

/** A process's state, and when it started in ticks since the machine did (proc(5), fields 3 and 22); undefined where the kernel does not say. */
function statOf(pid: number): { readonly state: string | undefined; readonly start: string | undefined } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return { state: fields[0], start: fields[19] }
  } catch {
    return undefined
  }
}
