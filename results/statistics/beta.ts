/** The distribution function of the beta distribution, which Student's and the binomial one rest on as well. */

/** P(X <= x) of a beta variable: the regularised incomplete beta function I_x(a, b), by the continued fraction 26.5.8 of Abramowitz and Stegun (1964). */
export function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0
  if (x >= 1) return 1
  // The fraction converges fast on this side of the mean only; the other side is its mirror image.
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(1 - x, b, a)
  const front = Math.exp(a * Math.log(x) + b * Math.log1p(-x) - logBeta(a, b)) / a
  return front / betaFraction(x, a, b)
}

/** The x at which P(X <= x) = p, by bisection to about 15 digits. */
export function betaQuantile(p: number, a: number, b: number): number {
  let [low, high] = [0, 1]
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2
    if (incompleteBeta(middle, a, b) < p) low = middle
    else high = middle
  }
  return (low + high) / 2
}

/** The denominator 1 + d1 / (1 + d2 / (1 + ...)), by the method of Lentz (1976). */
function betaFraction(x: number, a: number, b: number): number {
  const tiny = 1e-300
  let c = 1
  let d = 0
  let product = 1
  for (let i = 1; i < 500; i++) {
    const m = Math.floor(i / 2)
    const term =
      i % 2 === 0 ? (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m)) : (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1))
    d = 1 / nonZero(1 + term * d, tiny)
    c = nonZero(1 + term / c, tiny)
    product *= c * d
    if (Math.abs(c * d - 1) < 1e-15) break
  }
  return product
}

function nonZero(value: number, tiny: number): number {
  return Math.abs(value) < tiny ? tiny : value
}

function logBeta(a: number, b: number): number {
  return logGamma(a) + logGamma(b) - logGamma(a + b)
}

/** ln Gamma(x), x > 0: Stirling's series (6.1.41 of Abramowitz and Stegun, 1964) after moving x to 10 or beyond. */
function logGamma(x: number): number {
  let shift = 0
  let z = x
  while (z < 10) {
    shift += Math.log(z)
    z++
  }
  const inverse = 1 / (z * z)
  const series = (1 / 12 - inverse * (1 / 360 - inverse * (1 / 1260 - inverse * (1 / 1680 - inverse / 1188)))) / z
  return (z - 0.5) * Math.log(z) - z + Math.log(2 * Math.PI) / 2 + series - shift
}
