/** When records are due: pure functions of time and number, after which the driver paces itself and latency is counted. */

/** A schedule of arrivals; record 0 is due at 0 ms. */
export interface Arrivals {
  /** How many records are due within the first `elapsedMs`, the one due at that very moment included. */
  dueBy(elapsedMs: number): number
  /** Milliseconds after the start at which record `index` (from 0) is due. */
  dueAt(index: number): number
  /** Mean records per second. */
  readonly recordsPerSecond: number
}

/**
 * Equal distances between records.
 * @param recordsPerSecond above 0
 * @throws RangeError when the rate is not a positive number
 */
export function constant(recordsPerSecond: number): Arrivals {
  if (!(recordsPerSecond > 0 && Number.isFinite(recordsPerSecond)))
    throw new RangeError(`a rate is a positive number of records per second, not ${recordsPerSecond}`)
  const dueAt = (index: number) => (index * 1000) / recordsPerSecond
  return {
    recordsPerSecond,
    dueAt,
    dueBy(elapsedMs) {
      if (elapsedMs < 0) return 0
      let due = Math.floor((elapsedMs * recordsPerSecond) / 1000) + 1
      // Rounding must not make the two functions disagree about the record at the border.
      while (due > 0 && dueAt(due - 1) > elapsedMs) due--
      while (dueAt(due) <= elapsedMs) due++
      return due
    },
  }
}
