/** Which records of which sources were taken in already, so that a request that comes twice counts once. */
import type { Range } from '../../generators/record.js'
import { Spans } from '../../generators/spans.js'

export type Sight = 'new' | 'known' | 'overlapping'

/**
 * Records of a source that came in order are one span; this many spans are remembered. Those of the source seen longest ago go
 * first, and of a source that has them all, those of its lowest positions.
 */
const mostSpans = 1_000_000
const kept = 0.9

export class Seen {
  /** A source that was seen moves to the end. */
  private readonly sources = new Map<number, Spans>()
  private spans = 0

  constructor(private readonly most = mostSpans) {}

  /** 'known': all of it was seen. 'overlapping': a part of it was. */
  sight({ source, first, count }: Range): Sight {
    const missing = this.sources.get(source)?.missing({ from: first, to: first + count })
    if (missing === undefined) return 'new'
    const [piece] = missing
    if (piece === undefined) return 'known'
    return piece.to - piece.from === count ? 'new' : 'overlapping'
  }

  /** To be called with what is new alone. */
  add({ source, first, count }: Range): void {
    const spans = this.sources.get(source) ?? new Spans()
    this.sources.delete(source)
    this.sources.set(source, spans)
    this.spans -= spans.size
    spans.add({ from: first, to: first + count })
    this.spans += spans.size
    this.forget(source)
  }

  /** What was added and did not come to be kept after all. */
  remove({ source, first, count }: Range): void {
    const spans = this.sources.get(source)
    if (spans === undefined) return
    this.spans -= spans.size
    spans.remove({ from: first, to: first + count })
    this.spans += spans.size
  }

  private forget(current: number): void {
    for (const [source, spans] of this.sources) {
      if (this.spans <= this.most) return
      this.spans -= spans.size
      if (source === current) {
        // A share at once, since all that stay are moved.
        spans.dropLowest(spans.size - Math.ceil(this.most * kept))
        this.spans += spans.size
      } else this.sources.delete(source)
    }
  }
}
