/** What a receiver that is one of several shares with the others, so that all of them are one service to whoever sends. */
import type { FastifyRateLimitStore, FastifyRateLimitStoreCtor } from '@fastify/rate-limit'

/** Requests of an address are counted over so long, milliseconds. */
export const countedMs = 1000

export interface Count {
  /** Requests so far, this one included. */
  readonly current: number
  /** Until the count begins anew, milliseconds. */
  readonly ttl: number
}

export interface Siblings {
  /** Counts one more request of an address, to whichever of them it came. */
  count(address: string): Promise<Count>
  /** Metrics of all of them, in Prometheus' text format. */
  metrics(): Promise<string>
}

/** Where the rate limit counts: with all siblings together. */
export function sharedCounts(siblings: Siblings): FastifyRateLimitStoreCtor {
  return class implements FastifyRateLimitStore {
    incr(address: string, told: (error: Error | null, result?: { current: number; ttl: number }) => void): void {
      siblings.count(address).then(
        (count) => told(null, count),
        (error: Error) => told(error),
      )
    }

    child(): FastifyRateLimitStore {
      return this
    }
  }
}

/** Requests of addresses, counted for one span after the other. */
export class Tally {
  private readonly counts = new Map<string, number>()
  private beganMs = Number.NEGATIVE_INFINITY

  constructor(private readonly now: () => number = () => performance.now()) {}

  count(address: string): Count {
    const now = this.now()
    if (now - this.beganMs >= countedMs) {
      this.counts.clear()
      this.beganMs = now
    }
    const current = (this.counts.get(address) ?? 0) + 1
    this.counts.set(address, current)
    return { current, ttl: Math.ceil(this.beganMs + countedMs - now) }
  }
}
