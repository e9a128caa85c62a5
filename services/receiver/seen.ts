/** Which records of which sources were taken in already, so that a request that comes twice counts once. */
import type { Range } from '../../generators/record.js'

export type Sight = 'new' | 'known' | 'overlapping'

interface Span {
  from: number
  to: number
}

/** Records of a source that came in order are one span; this many spans are remembered, those of the source seen longest ago go first. */
const mostSpans = 1_000_000

export class Seen {
  /** Of each source, in order; a source that was seen moves to the end. */
  private readonly sources = new Map<number, Span[]>()
  private spans = 0

  constructor(private readonly most = mostSpans) {}

  /** 'known': all of it was seen. 'overlapping': a part of it was. */
  sight({ source, first, count }: Range): Sight {
    const spans = this.sources.get(source) ?? []
    const span = spans[firstEndingBehind(spans, first)]
    if (span === undefined || span.from >= first + count) return 'new'
    return span.from <= first && first + count <= span.to ? 'known' : 'overlapping'
  }

  /** To be called with what is new alone. */
  add({ source, first, count }: Range): void {
    const spans = this.sources.get(source) ?? []
    this.sources.delete(source)
    this.sources.set(source, spans)
    const at = firstEndingBehind(spans, first)
    const [before, after] = [spans[at - 1], spans[at]]
    const to = first + count
    if (before?.to === first && after?.from === to) {
      before.to = after.to
      spans.splice(at, 1)
      this.spans--
    } else if (before?.to === first) before.to = to
    else if (after?.from === to) after.from = first
    else {
      spans.splice(at, 0, { from: first, to })
      this.spans++
    }
    this.forget(source)
  }

  /** What was added and did not come to be kept after all. */
  remove({ source, first, count }: Range): void {
    const spans = this.sources.get(source)
    if (spans === undefined) return
    const to = first + count
    const rest = spans.flatMap((span) =>
      [
        { from: span.from, to: Math.min(span.to, first) },
        { from: Math.max(span.from, to), to: span.to },
      ].filter((piece) => piece.from < piece.to),
    )
    this.spans += rest.length - spans.length
    this.sources.set(source, rest)
  }

  private forget(current: number): void {
    for (const [source, spans] of this.sources) {
      if (this.spans <= this.most || source === current) return
      this.sources.delete(source)
      this.spans -= spans.length
    }
  }
}

/** Index of the first span that ends behind a position. */
function firstEndingBehind(spans: readonly Span[], position: number): number {
  let [low, high] = [0, spans.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((spans[middle]?.to ?? 0) > position) high = middle
    else low = middle + 1
  }
  return low
}
