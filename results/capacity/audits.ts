/** Several audits as one. */
import type { Audit } from '../result.js'

/** The sums of their counts; null of none. */
export function sumOfAudits(audits: readonly Audit[]): Audit | null {
  if (audits.length === 0) return null
  const sum = (pick: (audit: Audit) => number | undefined) => audits.reduce((all, audit) => all + (pick(audit) ?? 0), 0)
  return {
    offered: sum(({ offered }) => offered),
    stored: sum(({ stored }) => stored),
    rejected: sum(({ rejected }) => rejected),
    excluded: sum(({ excluded }) => excluded),
    refused: sum(({ refused }) => refused),
    failed: sum(({ failed }) => failed),
    lost: sum(({ lost }) => lost),
    duplicated: sum(({ duplicated }) => duplicated),
    corrupted: sum(({ corrupted }) => corrupted),
    misplaced: sum(({ misplaced }) => misplaced),
    unexpected: sum(({ unexpected }) => unexpected),
  }
}
