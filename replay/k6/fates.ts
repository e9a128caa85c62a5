/** What an audit has to know of the records that k6 sent, from the extension's ledger. */
import { Intervals } from '../intervals.js'
import type { Fates, Span } from '../ledger.js'
import type { Noted, NotedSpan } from './run-k6.js'

export interface K6Fates {
  /** For the audit: from the first record to the last that was sent. What lies beyond must not be in the store. */
  readonly sent: Fates
  /** Records that were due and never sent. */
  readonly unsent: readonly Span[]
  /** Records that were accepted. */
  readonly accepted: number
}

/**
 * A record that was sent and neither accepted nor refused is in doubt, whether that was noted or the iteration was cut short.
 * @param noted undefined when k6 left no ledger: then everything is in doubt
 * @param planned records in all, from position 0 on
 */
export function k6Fates(source: number, noted: Noted | undefined, planned: number): K6Fates {
  if (noted === undefined) {
    const all = { from: 0, to: planned }
    return { sent: { source, offered: all, excluded: [], refused: [], failed: [all] }, unsent: [], accepted: 0 }
  }
  const sent = intervals(noted.sent)
  const refused = intervals(noted.refused)
  const accepted = intervals(noted.accepted)
  const answered = intervals(noted.accepted, noted.refused)
  const unsent = sent.missing(0, planned)
  const last = sent.list().at(-1)?.to ?? 0
  return {
    sent: {
      source,
      offered: { from: 0, to: last },
      excluded: [],
      // Between records that were sent there may be some that were not: whose iteration ended before it came to that.
      refused: [...refused.list(), ...unsent.filter(({ to }) => to < last)],
      failed: sent.list().flatMap(({ from, to }) => answered.missing(from, to)),
    },
    unsent,
    accepted: accepted.size,
  }
}

function intervals(...lists: readonly (readonly NotedSpan[] | undefined)[]): Intervals {
  const all = new Intervals()
  for (const { first, count } of lists.flatMap((list) => list ?? [])) all.add(first, first + count)
  return all
}
