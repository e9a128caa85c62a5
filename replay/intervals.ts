/** A set of whole numbers kept as disjoint, sorted, half-open intervals: small as long as what it holds is mostly contiguous. */

export class Intervals {
  private readonly starts: number[] = []
  private readonly ends: number[] = []
  private total = 0

  /** How many numbers it holds. */
  get size(): number {
    return this.total
  }

  /**
   * Adds from <= x < to.
   * @returns how many of them were new
   */
  add(from: number, to: number): number {
    if (to <= from) return 0
    // First interval that ends at or after `from`: it touches the new one or lies behind it.
    let low = this.starts.length
    if (low > 0 && (this.ends[low - 1] as number) >= from) {
      let high = low - 1
      low = 0
      while (low < high) {
        const middle = (low + high) >>> 1
        if ((this.ends[middle] as number) >= from) high = middle
        else low = middle + 1
      }
    }
    let start = from
    let end = to
    let known = 0
    let last = low
    while (last < this.starts.length && (this.starts[last] as number) <= to) {
      const s = this.starts[last] as number
      const e = this.ends[last] as number
      known += Math.max(0, Math.min(e, to) - Math.max(s, from))
      start = Math.min(start, s)
      end = Math.max(end, e)
      last++
    }
    this.starts.splice(low, last - low, start)
    this.ends.splice(low, last - low, end)
    const added = to - from - known
    this.total += added
    return added
  }

  has(x: number): boolean {
    let low = 0
    let high = this.starts.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.ends[middle] as number) > x) high = middle
      else low = middle + 1
    }
    return low < this.starts.length && (this.starts[low] as number) <= x
  }

  /** The parts of from <= x < to that it does not hold. */
  missing(from: number, to: number): { readonly from: number; readonly to: number }[] {
    const gaps: { from: number; to: number }[] = []
    let at = from
    for (const interval of this.list()) {
      if (interval.to <= at) continue
      if (interval.from >= to) break
      if (interval.from > at) gaps.push({ from: at, to: interval.from })
      at = Math.max(at, interval.to)
    }
    if (at < to) gaps.push({ from: at, to })
    return gaps
  }

  list(): { readonly from: number; readonly to: number }[] {
    return this.starts.map((from, i) => ({ from, to: this.ends[i] as number }))
  }
}
