/** Student's distribution, for any number of degrees of freedom, whole or not. */
import { incompleteBeta } from './beta.js'

/**
 * The value that a Student-t variable of `freedom` degrees (above 0, not necessarily whole) does not exceed with
 * probability `p` (0.5 <= p < 1): bisection on the distribution function, to about 10 digits.
 */
export function studentQuantile(p: number, freedom: number): number {
  let low = 0
  let high = 1
  while (studentProbability(high, freedom) < p && high < 1e12) high *= 2
  for (let i = 0; i < 200 && high - low > 1e-12 * high; i++) {
    const middle = (low + high) / 2
    if (studentProbability(middle, freedom) < p) low = middle
    else high = middle
  }
  return (low + high) / 2
}

/** P(T <= t) for t >= 0: 26.7.1 of Abramowitz and Stegun (1964), by the incomplete beta function. */
export function studentProbability(t: number, freedom: number): number {
  return 1 - incompleteBeta(freedom / (freedom + t * t), freedom / 2, 0.5) / 2
}
