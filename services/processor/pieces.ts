/** The lines that an object has of some records. */
import type { Chunk, Range } from '../../generators/record.js'
import { type LineObject, RefusedObjectError } from '../../objects/line-object.js'

const newline = 10

/**
 * Chunks without a copy: their lines lie in the object's.
 * @param ranges parts of the object's stretches, in their order
 * @throws RefusedObjectError when the object has not all of these records
 */
export function chunksOf({ stretches, lines }: Pick<LineObject, 'stretches' | 'lines'>, ranges: readonly Range[]): readonly Chunk[] {
  let index = 0
  /** Where the stretch begins, and as far as its lines were counted: a record of it and where its line begins. */
  let begin = 0
  let record = stretches[0]?.first ?? 0
  let at = 0
  const walk = (to: number, end: number): number => {
    for (; record < to; record++) {
      const next = lines.indexOf(newline, at) + 1
      if (next === 0 || next > end) throw new RefusedObjectError('it has fewer lines than it says')
      at = next
    }
    return at
  }
  return ranges.map(({ source, first, count }) => {
    let stretch = stretches[index]
    while (stretch !== undefined && !(stretch.source === source && record <= first && first + count <= stretch.first + stretch.count)) {
      begin += stretch.bytes
      at = begin
      stretch = stretches[++index]
      record = stretch?.first ?? 0
    }
    if (stretch === undefined) throw new RefusedObjectError(`it does not have records ${first} to ${first + count - 1} of source ${source}`)
    const end = begin + stretch.bytes
    const from = walk(first, end)
    // A whole stretch, the usual case, is not counted: who writes it counts.
    if (first + count === stretch.first + stretch.count) {
      record = first + count
      at = end
    } else walk(first + count, end)
    return { source, first, count, lines: lines.subarray(from, at) }
  })
}
