/** The distribution function of the beta distribution. */

/**
 * P(X <= x) of a beta variable with these two parameters: the regularised incomplete beta function by its continued fraction
 * (26.5.8 of Abramowitz and Stegun, 1964), evaluated from the front with the algorithm of Lentz (1976). To about ten digits.
 */
export function betaProbability(x: number, a: number, b: number): number {
  if (x <= 0) return 0
  if (x >= 1) return 1
  // The fraction converges fast on this side of the mean only.
  if (x > (a + 1) / (a + b + 2)) return 1 - betaProbability(1 - x, b, a)
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x)) / a
  return Math.min(1, front / fraction(x, a, b))
}

/** The denominator 1 + d1 / (1 + d2 / (1 + ...)). */
function fraction(x: number, a: number, b: number): number {
  const tiny = 1e-300
  const nonzero = (value: number) => (Math.abs(value) < tiny ? tiny : value)
  let value = 1
  let c = 1
  let d = 0
  for (let j = 1; j < 500; j++) {
    const m = Math.floor(j / 2)
    const term =
      j % 2 === 0 ? (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m)) : (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1))
    d = 1 / nonzero(1 + term * d)
    c = nonzero(1 + term / c)
    value *= c * d
    if (Math.abs(c * d - 1) < 1e-12) break
  }
  return value
}

/** The logarithm of the gamma function for x > 0: Stirling's series after shifting x above 10. */
function logGamma(x: number): number {
  let shift = 0
  let at = x
  while (at < 10) {
    shift += Math.log(at)
    at++
  }
  const inverse = 1 / (at * at)
  const series = (1 / 12 - inverse * (1 / 360 - inverse * (1 / 1260 - inverse / 1680))) / at
  return (at - 0.5) * Math.log(at) - at + Math.log(2 * Math.PI) / 2 + series - shift
}
