/** Time, injected: the driver reads and waits on a clock that a test can turn by hand. */
import { performance } from 'node:perf_hooks'
import { setTimeout as delay, setImmediate as immediate } from 'node:timers/promises'

export interface Clock {
  /** Milliseconds, monotonic, from an arbitrary origin. */
  now(): number
  /** Resolves at `atMs` or a little later; at once (after other work had its turn) when that has passed. */
  until(atMs: number): Promise<void>
  /** Milliseconds, from an arbitrary origin, in which this thread had nothing to do but to wait for others. */
  idle(): number
}

/** The real, monotonic clock. */
export const systemClock: Clock = {
  now: () => performance.now(),
  async until(atMs) {
    const wait = atMs - performance.now()
    if (wait > 0.5) await delay(wait)
    else await immediate()
  },
  idle: () => performance.eventLoopUtilization().idle,
}

/** A clock that stands still until it is waited on: waiting moves it. For tests; other work has its turn at every wait. */
export class ManualClock implements Clock {
  private time = 0
  private waited = 0

  now(): number {
    return this.time
  }

  idle(): number {
    return this.waited
  }

  /** As work does, or whoever keeps the thread. */
  advance(ms: number): void {
    this.time += ms
  }

  async until(atMs: number): Promise<void> {
    await immediate()
    if (atMs <= this.time) return
    this.waited += atMs - this.time
    this.time = atMs
  }
}
