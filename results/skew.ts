/** How unevenly records lie in their partitions. */
import type { Partition } from './result.js'

/** Rows of the fullest partition over the mean of all of them: 1 is even; null without rows. */
export function skewOf(partitions: readonly Pick<Partition, 'rows'>[]): number | null {
  const rows = partitions.map((partition) => partition.rows)
  const sum = rows.reduce((total, count) => total + count, 0)
  return sum > 0 ? (Math.max(...rows) * rows.length) / sum : null
}
