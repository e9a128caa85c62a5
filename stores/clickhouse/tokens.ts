/** Tokens of inserts: the same for the same records, whoever writes them and however often. */
import { createHash } from 'node:crypto'
import type { Range } from '../../generators/record.js'

/** Tokens travel in the address of a request, which has no room for thousands of ranges. */
const mostLength = 200

/**
 * The token of what a batch has for one destination. Ranges that follow one another are one, so that a logfile has the
 * same token however its lines were cut into chunks.
 */
export function tokenOf(batch: readonly Range[], destination: string): string {
  const ranges: { source: number; first: number; count: number }[] = []
  for (const { source, first, count } of batch) {
    const last = ranges.at(-1)
    if (last !== undefined && last.source === source && last.first + last.count === first) last.count += count
    else ranges.push({ source, first, count })
  }
  const text = ranges.map(({ source, first, count }) => `${source}:${first}:${count}`).join(',')
  return `${text.length > mostLength ? createHash('sha256').update(text).digest('hex') : text}:${destination}`
}
