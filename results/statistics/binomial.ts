/** Bounds of a share that was counted. */
import { betaQuantile } from './beta.js'

export interface Bounds {
  readonly low: number
  readonly high: number
}

/**
 * The exact interval of a probability after `seen` of `tries` independent trials (Clopper and Pearson, 1934): at least the
 * confidence that is asked, whatever the probability. Neither needs to be whole: trials that depend on each other count as
 * fewer (Korn and Graubard, 1998).
 * @throws RangeError unless 0 <= seen <= tries and tries is above zero
 */
export function binomialBounds(seen: number, tries: number, confidence = 0.95): Bounds {
  if (!(tries > 0 && seen >= 0 && seen <= tries)) throw new RangeError(`there are no bounds for ${seen} of ${tries}`)
  const tail = (1 - confidence) / 2
  return {
    low: seen === 0 ? 0 : betaQuantile(tail, seen, tries - seen + 1),
    high: seen === tries ? 1 : betaQuantile(1 - tail, seen + 1, tries - seen),
  }
}
