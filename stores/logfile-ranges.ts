/** The records of a logfile as stores keep them, and what became of them as stores tell it. */
import type { Range } from '../generators/record.js'
import type { Receipt, Settlement } from './store.js'

/** Source, first position, count. */
export type CompactRange = readonly [source: number, first: number, count: number]

export function compactRanges(ranges: readonly Range[]): readonly CompactRange[] {
  return ranges.map(({ source, first, count }) => [source, first, count])
}

export function rangesOf(compact: readonly CompactRange[]): readonly Range[] {
  return compact.map(([source, first, count]) => ({ source, first, count }))
}

/** The range of a file that has but one. @throws Error when it has not */
export function soleRange({ path, ranges }: { readonly path: string; readonly ranges: readonly Range[] }): Range {
  const [range, ...others] = ranges
  if (range === undefined || others.length > 0) throw new Error(`${path} has ${ranges.length} ranges of records instead of one`)
  return range
}

/** A range's records are stored but for the rejected ones, given in order. */
export function receiptOf(
  { source, first, count }: Range,
  rejects: readonly { readonly position: string; readonly reason: string }[],
): Receipt {
  const receipt: Settlement[] = []
  let next = first
  for (const { position, reason } of rejects) {
    const at = Number(position)
    if (at > next) receipt.push({ source, first: next, count: at - next, fate: 'stored' })
    receipt.push({ source, first: at, count: 1, fate: 'rejected', reason })
    next = at + 1
  }
  if (next < first + count) receipt.push({ source, first: next, count: first + count - next, fate: 'stored' })
  return receipt
}
