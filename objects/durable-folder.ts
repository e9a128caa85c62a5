/** Folders that are on disk with their names. */
import { constants } from 'node:fs'
import { mkdir, open } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'

/** Has the disk keep the names in a folder: a new file's, or one that was renamed. */
export async function syncFolder(folder: string): Promise<void> {
  const opened = await open(folder, constants.O_RDONLY)
  try {
    await opened.sync()
  } finally {
    await opened.close()
  }
}

/** Makes a folder and those above it, and has the disk keep their names. Does nothing where it is there already. */
export async function makeFolder(folder: string, mode?: number): Promise<void> {
  const whole = resolve(folder)
  const first = await mkdir(whole, { recursive: true, ...(mode === undefined ? {} : { mode }) })
  if (first === undefined) return
  const top = dirname(resolve(first))
  for (let made = whole; made !== top && made !== dirname(made); ) {
    made = dirname(made)
    await syncFolder(made)
  }
}
