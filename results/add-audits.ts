/** Audits of several tables as one. */
import type { Audit } from './result.js'

/** Their sums, those that were not made left out; null when none was. */
export function addAudits(audits: readonly (Audit | null)[]): Audit | null {
  const made = audits.filter((audit) => audit !== null)
  if (made.length === 0) return null
  const sum = (pick: (audit: Audit) => number | undefined) => made.reduce((total, audit) => total + (pick(audit) ?? 0), 0)
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
