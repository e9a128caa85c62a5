/** Named pipes: the engine reads an insert's data from one while the request's body is written into it. */
import { spawnSync } from 'node:child_process'
import { closeSync, constants, mkdirSync, open, openSync, rmSync } from 'node:fs'
import { Socket } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** In a thread of its own, where it may take its time. */
const openBlocking = promisify<string, number, number>(open)

export interface Fifo {
  /** Its path, relative to the engine's working directory: no name of a folder can then be taken for a pattern. */
  readonly path: string
}

export class Fifos {
  private readonly free: Fifo[] = []

  /** @param count as many as there can be inserts at once */
  constructor(folder: string, count: number) {
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder)
    const paths = Array.from({ length: count }, (_, i) => join(folder, `body${i + 1}`))
    const { status, stderr, error } = spawnSync('mkfifo', paths, { encoding: 'utf8' })
    if (status !== 0) throw new Error(`mkfifo: ${error?.message ?? stderr.trim()}`)
    for (const path of paths) this.free.push({ path })
  }

  take(): Fifo {
    const fifo = this.free.pop()
    if (fifo === undefined) throw new Error('more inserts at once than there are sessions')
    return fifo
  }

  /** Call this only once the statement that reads from it has ended. */
  give(fifo: Fifo): void {
    this.free.push(fifo)
  }
}

/**
 * Opens the end that is written to, as soon as the engine has opened the other.
 * @param ended settles when the statement has; should it end without ever opening the pipe, nobody waits for it forever
 * @returns undefined when it ended like that
 */
export async function openForWriting(fifo: Fifo, ended: Promise<unknown>): Promise<Socket | undefined> {
  let over = false
  let opened = false
  const release = () => {
    over = true
    // Whoever waits for a reader sees one, for a moment. It may not wait yet: then again.
    const again = () => {
      if (opened) return
      closeSync(openSync(fifo.path, constants.O_RDWR | constants.O_NONBLOCK))
      setTimeout(again, 5)
    }
    again()
  }
  ended.then(release, release)
  const fd = await openBlocking(fifo.path, constants.O_WRONLY)
  opened = true
  if (over) {
    closeSync(fd)
    return undefined
  }
  return new Socket({ fd, readable: false, writable: true })
}
