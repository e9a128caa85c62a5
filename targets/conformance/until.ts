/** Waiting for something that another process does: asked again and again, a bounded number of times. */
import { setTimeout as delay } from 'node:timers/promises'

const polls = 600
const betweenMs = 50

/** @throws when the answer was no every time */
export async function until(what: string, ask: () => boolean | Promise<boolean>): Promise<void> {
  for (let i = 0; i < polls; i++) {
    if (await ask()) return
    await delay(betweenMs)
  }
  throw new Error(`waited in vain until ${what}`)
}

/** Whether a process of ours is there. */
export function alive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** What becomes of a promise, for asking without waiting. */
export class Outcome<T> {
  settled = false
  value: T | undefined
  error: unknown

  constructor(promise: Promise<T>) {
    promise.then(
      (value) => {
        this.settled = true
        this.value = value
      },
      (error: unknown) => {
        this.settled = true
        this.error = error
      },
    )
  }

  /** @throws when it neither resolves nor rejects */
  async end(what: string): Promise<this> {
    await until(what, () => this.settled)
    return this
  }
}
