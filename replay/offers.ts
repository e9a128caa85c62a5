/** When records were offered, kept for as long as they are on their way: service time runs from then. */

interface Offered {
  readonly first: number
  readonly end: number
  readonly atMs: number
  /** Records of it that have not been asked for. */
  left: number
}

/** Chunks in the order in which they were offered: their records follow each other. */
export class Offers {
  private chunks: Offered[] = []
  private head = 0

  clear(): void {
    this.chunks = []
    this.head = 0
  }

  add(first: number, count: number, atMs: number): void {
    this.chunks.push({ first, end: first + count, atMs, left: count })
  }

  /** The chunks that records first .. first+count came in; each record is taken once. */
  *take(first: number, count: number): Generator<{ readonly count: number; readonly atMs: number }> {
    const end = first + count
    for (let at = this.find(first); at < this.chunks.length; at++) {
      const chunk = this.chunks[at] as Offered
      const taken = Math.min(end, chunk.end) - Math.max(first, chunk.first)
      if (taken <= 0) break
      chunk.left -= taken
      yield { count: taken, atMs: chunk.atMs }
    }
    while (this.head < this.chunks.length && (this.chunks[this.head]?.left ?? 0) <= 0) this.head++
    // What is over goes, now and then, so that the list is no longer than twice what is on its way.
    if (this.head > 1024 && this.head * 2 > this.chunks.length) {
      this.chunks = this.chunks.slice(this.head)
      this.head = 0
    }
  }

  /** Index of the chunk that holds a record, or would. */
  private find(first: number): number {
    let [low, high] = [this.head, this.chunks.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.chunks[middle]?.end ?? 0) <= first) low = middle + 1
      else high = middle
    }
    return low
  }
}
