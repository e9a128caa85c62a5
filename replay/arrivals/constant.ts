/** Constant arrivals: equal distances between records. */
import { type Arrivals, checkRate } from './arrivals.js'

/**
 * @param recordsPerSecond above 0
 * @throws RangeError when the rate is not a positive number
 */
export function constant(recordsPerSecond: number): Arrivals {
  checkRate(recordsPerSecond)
  const dueAt = (index: number) => (index * 1000) / recordsPerSecond
  return {
    recordsPerSecond,
    even: true,
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
