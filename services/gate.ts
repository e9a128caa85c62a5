/** Lets a few questions through to a store at once and a few more wait; who comes on top is told to come back. */
import { Problem } from './problem.js'

export interface GateOptions {
  readonly atOnce: number
  readonly waiting: number
  /** How long one may wait, milliseconds. */
  readonly patienceMs: number
}

export class Gate {
  private inside = 0
  private readonly queue: (() => void)[] = []

  constructor(private readonly options: GateOptions) {}

  /** Questions that were let through and are not answered yet. */
  get inHand(): number {
    return this.inside
  }

  /** Questions that wait for their turn. */
  get waiting(): number {
    return this.queue.length
  }

  /**
   * @param caller aborted when nobody waits for the answer any more: its turn is somebody else's then
   * @throws Problem 503 when too many wait already, or when the wait takes too long
   */
  async through<T>(ask: () => Promise<T>, caller?: AbortSignal): Promise<T> {
    if (this.inside < this.options.atOnce) this.inside++
    else await this.turn(caller)
    try {
      return await ask()
    } finally {
      const next = this.queue.shift()
      // The place is handed over, so that nobody slips in between.
      if (next === undefined) this.inside--
      else next()
    }
  }

  private turn(caller: AbortSignal | undefined): Promise<void> {
    if (this.queue.length >= this.options.waiting) return Promise.reject(busy())
    return new Promise((resolve, reject) => {
      const done = () => {
        clearTimeout(timer)
        caller?.removeEventListener('abort', leave)
      }
      const come = () => {
        done()
        resolve()
      }
      const leave = () => {
        done()
        this.queue.splice(this.queue.indexOf(come), 1)
        reject(busy())
      }
      const timer = setTimeout(leave, this.options.patienceMs)
      caller?.addEventListener('abort', leave)
      this.queue.push(come)
    })
  }
}

function busy(): Problem {
  return new Problem(503, 'The store is busy with as many questions as it may be asked at once: come back later.', { 'retry-after': '1' })
}
