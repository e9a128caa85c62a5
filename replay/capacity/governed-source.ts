/** A source that can be told to end: whoever reads it is offered no more, and what was offered comes to its end in order. */
import type { Cursor, Source } from '../../generators/source.js'

export interface Governor {
  /** Asked before every read: true ends the source for the reader who asks. */
  ends(): boolean
}

/** The same records as `source`, until the governor ends them. */
export function governed(source: Source, governor: Governor): Source {
  return {
    spec: source.spec,
    length: () => source.length(),
    meanLineBytes: () => source.meanLineBytes(),
    months: (first, count) => source.months(first, count),
    async open(first) {
      return new GovernedCursor(await source.open(first), governor)
    },
  }
}

class GovernedCursor implements Cursor {
  constructor(
    private readonly cursor: Cursor,
    private readonly governor: Governor,
  ) {}

  get position(): number {
    return this.cursor.position
  }

  next(maxRecords: number) {
    return this.governor.ends() ? undefined : this.cursor.next(maxRecords)
  }

  close(): Promise<void> {
    return this.cursor.close()
  }
}
