/** Exact distributions of the two rank statistics of Wilcoxon, for intervals that heavy tails do not stretch. */
import { studentQuantile } from './student.js'

/** Beyond so many differences the normal approximation is as good as exact, and counting would take seconds. */
const mostCounted = 2500

/**
 * How many of the sorted averages to leave out at each end, so that what lies between the outermost kept ones covers the
 * centre of `n` symmetric differences with at least this confidence (Wilcoxon's signed-rank statistic, 1945); -1 when n
 * is too small for that: 95% needs six.
 */
export function signedRankCut(n: number, confidence: number): number {
  if (n * n > 2 * mostCounted) return normalCut((n * (n + 1)) / 4, (n * (n + 1) * (2 * n + 1)) / 24, confidence)
  // chances[w]: that the ranks 1 to n, each counted by the toss of a coin, add up to w.
  let chances = [1]
  for (let rank = 1; rank <= n; rank++) {
    const next = new Array<number>(chances.length + rank).fill(0)
    for (const [sum, chance] of chances.entries()) {
      next[sum] = (next[sum] ?? 0) + chance / 2
      next[sum + rank] = (next[sum + rank] ?? 0) + chance / 2
    }
    chances = next
  }
  return cut(chances, confidence)
}

/** The same for the sorted differences between all values of two samples (Mann and Whitney, 1947); 95% needs four and four, or three and five. */
export function rankSumCut(m: number, n: number, confidence: number): number {
  if (m * n > mostCounted) return normalCut((m * n) / 2, (m * n * (m + n + 1)) / 12, confidence)
  // counts[j][u]: orders of i values of one sample among j of the other with u inversions; i grows with the outer loop.
  let counts: number[][] = Array.from({ length: n + 1 }, () => [1])
  for (let i = 1; i <= m; i++) {
    const next: number[][] = [[1]]
    for (let j = 1; j <= n; j++) {
      // The largest of all is either of the first sample, above j others, or of the second.
      const sums = new Array<number>(i * j + 1).fill(0)
      for (const [u, count] of (counts[j] ?? []).entries()) sums[u + j] = (sums[u + j] ?? 0) + count
      for (const [u, count] of (next[j - 1] ?? []).entries()) sums[u] = (sums[u] ?? 0) + count
      next.push(sums)
    }
    counts = next
  }
  const ways = counts[n] ?? []
  const total = ways.reduce((sum, count) => sum + count, 0)
  return cut(
    ways.map((count) => count / total),
    confidence,
  )
}

/** By the normal distribution of the same mean and variance, with the correction for whole numbers. */
function normalCut(mean: number, variance: number, confidence: number): number {
  const standardNormal = studentQuantile((1 + confidence) / 2, 1e7)
  return Math.floor(mean - standardNormal * Math.sqrt(variance) - 0.5)
}

/** The largest value that the statistic does not exceed with a probability of at most half of what is left; -1 if there is none. */
function cut(chances: readonly number[], confidence: number): number {
  const tail = (1 - confidence) / 2 + 1e-12
  let sum = 0
  let value = -1
  for (const chance of chances) {
    sum += chance
    if (sum > tail) break
    value++
  }
  return value
}
