/** Positions of one source as spans that neither meet nor touch: what came in order is one, however much it was. */

interface Span {
  from: number
  to: number
}

/** Positions from .. to (exclusive). */
export type Piece = Readonly<Span>

export class Spans {
  /** In order. */
  private readonly spans: Span[] = []

  /** How many there are: what it costs to remember them. */
  get size(): number {
    return this.spans.length
  }

  /** What of these positions is not there yet, in order. */
  missing({ from, to }: Piece): Piece[] {
    const missing: Piece[] = []
    let next = from
    for (let at = this.firstEndingBehind(from); next < to; at++) {
      const span = this.spans[at]
      const until = Math.min(span?.from ?? to, to)
      if (until > next) missing.push({ from: next, to: until })
      next = Math.max(next, span?.to ?? to)
    }
    return missing
  }

  /** Positions that are there already stay as they are. */
  add({ from, to }: Piece): void {
    if (from >= to) return
    // Touching counts as meeting.
    const begin = this.firstEndingBehind(from - 1)
    let end = begin
    let [low, high] = [from, to]
    for (let span = this.spans[end]; span !== undefined && span.from <= to; span = this.spans[++end]) {
      low = Math.min(low, span.from)
      high = Math.max(high, span.to)
    }
    const first = this.spans[begin]
    if (end - begin === 1 && first !== undefined) {
      // The usual case moves nothing.
      first.from = low
      first.to = high
    } else this.spans.splice(begin, end - begin, { from: low, to: high })
  }

  /** Drops so many spans, those of the lowest positions. */
  dropLowest(count: number): void {
    this.spans.splice(0, count)
  }

  remove({ from, to }: Piece): void {
    if (from >= to) return
    const begin = this.firstEndingBehind(from)
    let end = begin
    const rest: Span[] = []
    for (let span = this.spans[end]; span !== undefined && span.from < to; span = this.spans[++end]) {
      if (span.from < from) rest.push({ from: span.from, to: from })
      if (span.to > to) rest.push({ from: to, to: span.to })
    }
    this.spans.splice(begin, end - begin, ...rest)
  }

  /** Index of the first span that ends behind a position. */
  private firstEndingBehind(position: number): number {
    let [low, high] = [0, this.spans.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.spans[middle]?.to ?? 0) > position) high = middle
      else low = middle + 1
    }
    return low
  }
}
