/** Arrivals whose rate follows a shape: straight lines over the span of a block, which is repeated for as long as records come. */
import { type Arrivals, checkRate } from './arrivals.js'

/** A stretch of a shape: how long it is and how fast records come at its two ends, both in any unit. */
export interface Stretch {
  readonly length: number
  readonly from: number
  readonly to: number
}

interface Piece {
  readonly startMs: number
  readonly lengthMs: number
  /** Records due before it. */
  readonly before: number
  /** Records in it. */
  readonly records: number
  /** Records per millisecond at its ends. */
  readonly from: number
  readonly to: number
}

/**
 * Deterministic arrivals: record i is due when the integral of the rate reaches i. The shape is stretched over the span
 * and scaled so that its mean is the given rate; after the span it begins anew.
 * @param recordsPerSecond mean over the span, above 0
 * @param spanMs above 0
 * @throws RangeError for a rate or span that is none, and for a shape without records
 */
export function shaped(shape: readonly Stretch[], recordsPerSecond: number, spanMs: number): Arrivals {
  checkRate(recordsPerSecond)
  if (!(spanMs > 0 && Number.isFinite(spanMs))) throw new RangeError(`a span is a positive number of milliseconds, not ${spanMs}`)
  const pieces = piecesOf(shape, recordsPerSecond, spanMs)
  const busy = pieces.filter(({ records }) => records > 0)
  const perSpan = (recordsPerSecond * spanMs) / 1000

  /** Records due strictly within the first milliseconds of a span, not whole ones. */
  const within = (ms: number): number => {
    const piece = last(pieces, ({ startMs }) => startMs <= ms)
    const share = Math.min(1, (ms - piece.startMs) / piece.lengthMs)
    return piece.before + piece.lengthMs * share * (piece.from + ((piece.to - piece.from) * share) / 2)
  }
  const dueAt = (index: number): number => {
    const spans = Math.floor(index / perSpan)
    const rest = index - spans * perSpan
    const piece = last(busy, ({ before }) => before <= rest)
    return spans * spanMs + piece.startMs + piece.lengthMs * shareUntil(piece, rest - piece.before)
  }
  return {
    recordsPerSecond,
    even: false,
    dueAt,
    dueBy(elapsedMs) {
      if (elapsedMs < 0) return 0
      const spans = Math.floor(elapsedMs / spanMs)
      let due = Math.floor(spans * perSpan + within(elapsedMs - spans * spanMs)) + 1
      // Rounding must not make the two functions disagree about the record at the border.
      while (due > 0 && dueAt(due - 1) > elapsedMs) due--
      while (dueAt(due) <= elapsedMs) due++
      return due
    },
  }
}

function piecesOf(shape: readonly Stretch[], recordsPerSecond: number, spanMs: number): readonly Piece[] {
  const length = shape.reduce((sum, stretch) => sum + stretch.length, 0)
  const area = shape.reduce((sum, { length: long, from, to }) => sum + (long * (from + to)) / 2, 0)
  if (!(length > 0 && area > 0) || shape.some(({ length: long, from, to }) => !(long >= 0 && from >= 0 && to >= 0))) {
    throw new RangeError('a shape of arrivals has a length, and rates of which none is negative and one is above zero')
  }
  const toMs = spanMs / length
  const toRate = (recordsPerSecond / 1000) * (length / area)
  const pieces: Piece[] = []
  let [startMs, before] = [0, 0]
  for (const { length: long, from, to } of shape) {
    if (long === 0) continue
    const lengthMs = long * toMs
    const records = (lengthMs * toRate * (from + to)) / 2
    pieces.push({ startMs, lengthMs, before, records, from: from * toRate, to: to * toRate })
    startMs += lengthMs
    before += records
  }
  return pieces
}

/** The share of a piece after which so many of its records are due: the root of a quadratic, in the form that does not cancel. */
function shareUntil({ from, to, lengthMs, records }: Piece, wanted: number): number {
  if (wanted <= 0) return 0
  if (wanted >= records) return 1
  const a = ((to - from) * lengthMs) / 2
  const b = from * lengthMs
  return Math.min(1, (2 * wanted) / (b + Math.sqrt(Math.max(0, b * b + 4 * a * wanted))))
}

/** The last element for which something holds that holds for all before it. */
function last<T>(items: readonly T[], holds: (item: T) => boolean): T {
  let [low, high] = [0, items.length - 1]
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if (holds(items[middle] as T)) low = middle
    else high = middle - 1
  }
  return items[low] as T
}
