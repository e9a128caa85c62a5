/** A straight line through a short series whose errors remember each other. */
import { studentQuantile } from '../statistics.js'

export interface Trend {
  /** Per step of the series. */
  readonly slope: number
  readonly standardError: number
  readonly freedom: number
  readonly low: number
  readonly high: number
  /** How much of its error a value hands on to the next, 0 to 1. */
  readonly memory: number
}

/** Values that a trend needs: below it neither the memory nor the error can be told. */
export const leastValues = 8

/**
 * The slope of y = a + b k + e(k) with errors of the first order, e(k) = m e(k-1) + w(k): generalised least squares by the
 * transformation of Prais and Winsten (1954). The memory m comes from the residuals of the ordinary line, freed of its
 * downward bias in short series with a trend as Andrews (1993) does, by the medians that simulation gives for no memory and
 * for a full one (straight between them), and kept within 0 and 1: at 0 it is the ordinary line, at 1 (a backlog that
 * wanders) the mean of the differences. The interval is Student's with n - 3 degrees of freedom. Assumes equal distances and
 * steady noise. Of 8 to 24 values, a 95% interval holds the slope in 97% of all series without memory, in 93% with a memory
 * of a half, and in 80% of those that wander: so few values cannot tell a wandering backlog from a growing one for certain.
 * @throws RangeError with fewer than `leastValues` values
 */
export function trendOf(values: readonly number[], confidence = 0.95): Trend {
  const n = values.length
  if (n < leastValues) throw new RangeError(`a trend needs ${leastValues} values, not ${n}`)
  const steps = values.map((_, k) => k)
  const ones = values.map(() => 1)
  const ordinary = leastSquares(values, ones, steps)
  const left = values.map((value, k) => value - ordinary.first - ordinary.second * k)
  const square = left.reduce((sum, e) => sum + e * e, 0)
  const lagged = left.slice(1).reduce((sum, e, k) => sum + e * (left[k] ?? 0), 0)
  const seen = square > 0 ? lagged / square : 0
  const memory = Math.min(1, Math.max(0, (seen - forgetful(n)) / (wandering(n) - forgetful(n))))
  const freedom = n - 3
  const { second, secondError } = memory >= 1 ? differences(values) : transformed(values, steps, memory, freedom)
  const margin = studentQuantile((1 + confidence) / 2, freedom) * secondError
  return { slope: second, standardError: secondError, freedom, low: second - margin, high: second + margin, memory }
}

/** The median of the residuals' first autocorrelation in n values without memory, and in n that wander: 4,000 series each. */
const forgetful = (n: number) => -2.1 / n
const wandering = (n: number) => 1 - 11.56 / (n + 4)

function differences(values: readonly number[]): { readonly second: number; readonly secondError: number } {
  const steps = values.slice(1).map((value, k) => value - (values[k] ?? 0))
  const mean = steps.reduce((sum, step) => sum + step, 0) / steps.length
  const square = steps.reduce((sum, step) => sum + (step - mean) ** 2, 0)
  return { second: mean, secondError: Math.sqrt(square / (steps.length - 1) / steps.length) }
}

function transformed(values: readonly number[], steps: readonly number[], memory: number, freedom: number) {
  const head = Math.sqrt(1 - memory * memory)
  const free = (series: readonly number[]) => series.map((value, k) => (k === 0 ? head * value : value - memory * (series[k - 1] ?? 0)))
  const ones = free(steps.map(() => 1))
  const y = free(values)
  const x = free(steps)
  const { first, second, inverse } = leastSquares(y, ones, x)
  const square = y.reduce((sum, value, k) => sum + (value - first * (ones[k] ?? 0) - second * (x[k] ?? 0)) ** 2, 0)
  return { second, secondError: Math.sqrt((square / freedom) * inverse) }
}

/** y = first u + second v; `inverse` is the place of `second` on the diagonal of the inverse of the normal matrix. */
function leastSquares(y: readonly number[], u: readonly number[], v: readonly number[]) {
  const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, value, k) => sum + value * (b[k] ?? 0), 0)
  const [uu, uv, vv, uy, vy] = [dot(u, u), dot(u, v), dot(v, v), dot(u, y), dot(v, y)]
  const determinant = uu * vv - uv * uv
  return { first: (vv * uy - uv * vy) / determinant, second: (uu * vy - uv * uy) / determinant, inverse: uu / determinant }
}
