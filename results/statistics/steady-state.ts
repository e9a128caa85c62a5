/** Where a series has warmed up: how many of its first values to leave out. */

export interface SteadyState {
  /** Values to leave out at the beginning. */
  readonly warmup: number
  /** False when the best place is the middle of the series or beyond: it had not settled, and more of it is needed. */
  readonly settled: boolean
}

const batch = 5
/** Of less, nothing can be said. */
export const shortestSeries = 4 * batch

/**
 * MSER-5 (White, 1997; batches of five by White, Cobb and Spratt, 2000): leaves out as many means of five values as make
 * the standard error of the mean of the rest smallest. Assumes one warm-up at the beginning and a level after it; at most
 * half of the series is left out, and what does not fill the last batch is not looked at. Shorter than four batches: nothing
 * is left out, and nothing is known to have settled.
 */
export function steadyState(values: readonly number[]): SteadyState {
  const means = Array.from({ length: Math.floor(values.length / batch) }, (_, i) =>
    values.slice(i * batch, (i + 1) * batch).reduce((sum, value) => sum + value / batch, 0),
  )
  if (values.length < shortestSeries) return { warmup: 0, settled: false }
  const most = Math.floor(means.length / 2)
  let best = { dropped: 0, error: Number.POSITIVE_INFINITY }
  for (let dropped = 0; dropped <= most; dropped++) {
    const error = squaredError(means.slice(dropped))
    if (error < best.error) best = { dropped, error }
  }
  return { warmup: best.dropped * batch, settled: best.dropped < most }
}

function squaredError(means: readonly number[]): number {
  const n = means.length
  const mean = means.reduce((sum, value) => sum + value, 0) / n
  return means.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n * n)
}
