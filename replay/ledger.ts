/** The ledger of fates: what was offered, and the last word on each record, in memory that does not grow with the run. */
import type { Fate, Settlement } from '../stores/store.js'
import { Intervals } from './intervals.js'

/** The fates that end a record's way; `accepted` and `durable` are steps on it. */
export const finalFates = ['stored', 'rejected', 'excluded', 'refused', 'failed'] as const
export type FinalFate = (typeof finalFates)[number]

export type Tally = Record<FinalFate, number>

/** Fates of the records of one source, as far as an audit cannot find them in the store. Plain data. */
export interface Fates {
  readonly source: number
  /** Records offered: from <= position < to. */
  readonly offered: { readonly from: number; readonly to: number }
  readonly excluded: readonly Span[]
  readonly refused: readonly Span[]
  readonly failed: readonly Span[]
  /** Records whose month was dropped after they were stored: nothing of them may be left. Absent: none were. */
  readonly dropped?: readonly DroppedSpan[]
}

/** A month's records, all of them: a stream that comes month after month has them in one piece. */
export interface DroppedSpan extends Span {
  /** 'YYYY-MM' */
  readonly month: string
  /** Rows that the store had of it in the end: nobody can read them back any more. */
  readonly rows?: number
  /** Sum of their positions, modulo 2^64, in digits. */
  readonly positions?: string
}

export interface Span {
  readonly from: number
  readonly to: number
}

const isFinal = (fate: Fate): fate is FinalFate => fate !== 'accepted' && fate !== 'durable'

/** One leg's ledger: one source, offered in order from one position on. */
export class Ledger {
  readonly tally: Tally = { stored: 0, rejected: 0, excluded: 0, refused: 0, failed: 0 }
  /** Settlements of records that already had their last word, or that were never offered: a target's defect. */
  settledTwice = 0
  neverOffered = 0
  /** The reason of the first failure, for the error message. */
  firstFailure: string | undefined
  private readonly settled = new Intervals()
  private readonly special = { excluded: new Intervals(), refused: new Intervals(), failed: new Intervals() }
  private readonly dropped: DroppedSpan[] = []
  private next: number

  constructor(
    readonly source: number,
    readonly first: number,
  ) {
    this.next = first
  }

  /** Notes that the next `count` records were offered. */
  offer(count: number): void {
    this.next += count
  }

  get offered(): number {
    return this.next - this.first
  }

  /** Records offered that have not met their fate. */
  get outstanding(): number {
    return this.offered - this.settled.size
  }

  /** Position up to which every record has met its fate. */
  get settledTo(): number {
    return this.settled.missing(this.first, this.next)[0]?.from ?? this.next
  }

  /** Notes that the store has dropped a month with these records, all settled before. */
  drop(span: DroppedSpan): void {
    this.dropped.push(span)
  }

  /** Notes that nobody knows whether these stored records are still there: whatever took them away has failed. */
  doubt({ from, to }: Span): void {
    this.special.failed.add(from, to)
  }

  /** Files a settlement; returns false for one that is no last word. */
  settle(settlement: Settlement): boolean {
    if (!isFinal(settlement.fate)) return false
    const { first, count, fate } = settlement
    const from = Math.max(first, this.first)
    const to = Math.min(first + count, this.next)
    const known = settlement.source === this.source ? Math.max(0, to - from) : 0
    this.neverOffered += count - known
    if (known === 0) return true
    const added = this.settled.add(from, to)
    this.settledTwice += known - added
    this.tally[fate] += added
    if (fate === 'failed') this.firstFailure ??= settlement.reason
    if (fate === 'excluded' || fate === 'refused' || fate === 'failed') this.special[fate].add(from, to)
    return true
  }

  /** The leg ended without a last word on these: whatever was on its way is in doubt. */
  abandon(): void {
    for (const { from, to } of this.settled.missing(this.first, this.next)) {
      this.special.failed.add(from, to)
      this.tally.failed += this.settled.add(from, to)
    }
  }

  fates(): Fates {
    return {
      source: this.source,
      offered: { from: this.first, to: this.next },
      excluded: this.special.excluded.list(),
      refused: this.special.refused.list(),
      failed: this.special.failed.list(),
      ...(this.dropped.length === 0 ? {} : { dropped: [...this.dropped] }),
    }
  }
}
