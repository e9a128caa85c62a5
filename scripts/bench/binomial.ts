/** Bounds of a share that was counted. */

export interface Bounds {
  readonly low: number
  readonly high: number
}

/**
 * The exact interval of a probability after `seen` of `tries` independent trials (Clopper and Pearson, 1934): at least the
 * confidence that is asked, whatever the probability. By bisection on the binomial distribution.
 * @throws RangeError unless 0 <= seen <= tries and there was a try
 */
export function binomialBounds(seen: number, tries: number, confidence = 0.95): Bounds {
  if (!(tries > 0 && seen >= 0 && seen <= tries)) throw new RangeError(`there are no bounds for ${seen} of ${tries}`)
  const tail = (1 - confidence) / 2
  return {
    low: seen === 0 ? 0 : root((p) => 1 - cumulative(seen - 1, tries, p) - tail),
    high: seen === tries ? 1 : root((p) => tail - cumulative(seen, tries, p)),
  }
}

/** Where a rising function on 0..1 crosses zero. */
function root(rising: (p: number) => number): number {
  let [low, high] = [0, 1]
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2
    if (rising(middle) < 0) low = middle
    else high = middle
  }
  return (low + high) / 2
}

/** P(X <= k) of n trials, summed in logarithms. */
function cumulative(k: number, n: number, p: number): number {
  let sum = 0
  let choose = 0
  for (let i = 0; i <= k; i++) {
    if (i > 0) choose += Math.log((n - i + 1) / i)
    sum += Math.exp(choose + i * Math.log(p) + (n - i) * Math.log1p(-p))
  }
  return Math.min(1, sum)
}
