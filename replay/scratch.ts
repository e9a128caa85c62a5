/** A folder for as long as a session lasts. */
import { rmSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TemporaryKind, temporaryPrefix } from '../stores/temporary.js'

/** How often, and how far apart in milliseconds, a folder is tried again into which somebody still writes. */
const attempts = 50
const betweenMs = 20

/**
 * Gives `work` a folder of its own and removes it afterwards, also when somebody insists on the end by a second Ctrl-C.
 * @returns what `work` returns
 */
export async function withScratch<T>(kind: TemporaryKind, work: (scratch: string) => Promise<T>): Promise<T> {
  const scratch = await mkdtemp(join(tmpdir(), temporaryPrefix(kind)))
  const removeNow = () => removeAtOnce(scratch)
  process.once('exit', removeNow)
  try {
    return await work(scratch)
  } finally {
    await rm(scratch, { recursive: true, force: true })
    process.off('exit', removeNow)
  }
}

/**
 * Removes a folder on the way out of the program, where nothing can be awaited. Threads and processes of its own may
 * still be writing into it, so that it fills again while it is emptied; one that does not get empty within a second
 * stays, for `weir clean`.
 */
export function removeAtOnce(folder: string): void {
  const never = new Int32Array(new SharedArrayBuffer(4))
  for (let attempt = 1; attempt <= attempts; attempt++) {
    try {
      rmSync(folder, { recursive: true, force: true })
      return
    } catch {
      Atomics.wait(never, 0, 0, betweenMs)
    }
  }
}
