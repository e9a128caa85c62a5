/** Deferred work: what a store does for rows that it has already acknowledged (merges, checkpoints), and what that costs. */
import type { DeferredWork, Pace } from '../results/result.js'
import type { Upkeep } from '../stores/store.js'
import type { Clock } from './clock.js'
import { settledWithin } from './grace.js'

/**
 * How often a store is asked, milliseconds, besides the beginning and the end of a block: rarely enough to cost it little (an
 * answer takes one to four), and often enough to have two answers within a block of a third of a second.
 */
const sampleMs = 200
/** The last answer of a block is waited for so long. */
const patienceMs = 2000

/**
 * Watches one run's tables while its blocks are measured: stretches between two samples count as time with deferred work
 * when it ran at both of their ends, as time without when it ran at neither; the others are left out.
 */
export class DeferredWatch {
  private readonly running = { milliseconds: 0, records: 0 }
  private readonly idle = { milliseconds: 0, records: 0 }
  private settleMs = 0
  private figures: Readonly<Record<string, number>> = {}
  private timer: NodeJS.Timeout | undefined
  private asking: Promise<void> = Promise.resolve()
  private last: { readonly at: number; readonly records: number; readonly settled: boolean } | undefined

  /** `stored` counts the records stored so far. */
  constructor(
    private readonly upkeep: () => Promise<Upkeep>,
    private readonly stored: () => number,
    private readonly clock: Clock,
  ) {}

  /** A block begins. */
  begin(): void {
    this.last = undefined
    let free = true
    const ask = () => {
      if (!free) return
      free = false
      this.asking = this.sample().finally(() => {
        free = true
      })
    }
    ask()
    this.timer = setInterval(ask, sampleMs)
  }

  /** A block has ended. */
  async end(): Promise<void> {
    clearInterval(this.timer)
    const at = this.clock.now()
    // A store that stands still must not keep the run from saying so.
    await settledWithin(
      this.asking.then(() => this.sample(at)),
      this.clock,
      patienceMs,
    )
  }

  /** The store has settled after a block, so long after it. */
  settled(milliseconds: number): void {
    this.settleMs += milliseconds
  }

  /** Takes stock of the counters once more and reports; undefined when nothing was measured. `elapsedMs`: of all blocks. */
  async report(elapsedMs: number): Promise<DeferredWork | undefined> {
    if (elapsedMs <= 0) return undefined
    this.figures = (await this.upkeep().catch(() => undefined))?.figures ?? this.figures
    return {
      settleMs: this.settleMs,
      recordsPerSecondSettled: (this.stored() * 1000) / (elapsedMs + this.settleMs),
      whileRunning: paceOf(this.running),
      otherwise: paceOf(this.idle),
      figures: this.figures,
    }
  }

  /** Asks once, about the time of the question. A store that does not answer just now has other troubles, which the run will tell. */
  async sample(at = this.clock.now()): Promise<void> {
    const records = this.stored()
    const upkeep = await this.upkeep().catch(() => undefined)
    if (upkeep === undefined) return
    const { last } = this
    const now = { at, records, settled: upkeep.settled }
    this.last = now
    this.figures = upkeep.figures
    if (last === undefined || last.settled !== now.settled) return
    const account = now.settled ? this.idle : this.running
    account.milliseconds += now.at - last.at
    account.records += now.records - last.records
  }
}

function paceOf({ milliseconds, records }: { readonly milliseconds: number; readonly records: number }): Pace | null {
  return milliseconds > 0 ? { seconds: milliseconds / 1000, recordsPerSecond: (records * 1000) / milliseconds } : null
}
