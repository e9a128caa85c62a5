/** The search for the highest sustained rate: from the probes so far to the next rate, or to an end. */
import type { Interval } from '../result.js'

/** What a probe said about a rate. */
export interface Answer {
  readonly rate: number
  /** From 0 (not sustained) by 0.5 (unclear, as near the border) to 1 (sustained). */
  readonly sustained: number
}

export interface SearchOptions {
  /** What the target took at full speed: the capacity is hardly above it. */
  readonly fullSpeed: number
  /** The search is over when neither half of the interval is wider than this share of the capacity. */
  readonly precision: number
}

export interface Estimate {
  /** Records per second that a probe is as likely to sustain as not: the median of what is known. */
  readonly recordsPerSecond: number
  readonly interval: Interval
  /** How soft the border is: that much below (above) the capacity, as a share of it, a probe is sustained with odds of e : 1 (1 : e). */
  readonly softness: number
}

/** `precise`: narrow enough; `never`: not even the lowest rate was sustained; `always`: the highest one was. */
export const ends = ['precise', 'never', 'always'] as const
export type SearchEnd = (typeof ends)[number]

export type Step =
  | { readonly kind: 'probe'; readonly rate: number; readonly estimate: Estimate }
  | { readonly kind: 'done'; readonly end: SearchEnd; readonly estimate: Estimate }

/** Rates that are thought of, as multiples of full speed; beyond the inner ones nothing was found. */
const lowest = 1 / 200
const highest = 4
const nearLowest = lowest * 1.5
const nearHighest = highest / 1.3
/** The prior: most likely a little below full speed, less likely by the factor e for each so much of a logarithm below or above. */
const likely = 0.85
const belowScale = 0.6
const aboveScale = 0.15
/** How soft the border may be, as the scale of a logistic curve over the logarithm of the rate; all as likely. */
const softnesses = [0.005, 0.01, 0.02, 0.04, 0.08, 0.16]
/** Shares of probes that give each of the three answers whatever the rate; and how likely each share is. */
const lapses = [
  { share: 0.02, weight: 0.8 },
  { share: 0.1, weight: 0.2 },
]
/** How far around the capacity answers are unclear, in softnesses. */
const unclearReach = 1
/** Where on what is known the next probe asks, in turn: mostly in the middle, and now and then near the ends, which may have moved. */
const places = [0.5, 0.5, 0.2, 0.5, 0.5, 0.8]
/** A search that has asked less often has been lucky, not precise. */
const leastAnswers = 6

/**
 * The next rate to probe, or the end of the search. Pure: the same answers lead to the same step.
 *
 * What is known is a distribution over capacity, softness and lapses (a psychometric curve, as of Kontsevich and Tyler,
 * 1999), updated by Bayes' rule; the next question is put at its median, which halves it as in the probabilistic bisection
 * of Horstein (1963), or near its ends. Assumes that probes are independent given the curve; contradictions widen the interval.
 */
export function nextStep(answers: readonly Answer[], options: SearchOptions): Step {
  const known = posterior(answers, options)
  const estimate = estimateOf(known)
  const end = endOf(answers, options, estimate)
  if (end !== undefined) return { kind: 'done', end, estimate }
  const place = places[answers.length % places.length] ?? 0.5
  return { kind: 'probe', rate: quantile(known, place), estimate }
}

/** What the answers say about the capacity. */
export function estimate(answers: readonly Answer[], options: SearchOptions): Estimate {
  return estimateOf(posterior(answers, options))
}

function endOf(
  answers: readonly Answer[],
  { fullSpeed, precision }: SearchOptions,
  { recordsPerSecond, interval }: Estimate,
): SearchEnd | undefined {
  if (interval.high < nearLowest * fullSpeed) return 'never'
  if (interval.low > nearHighest * fullSpeed) return 'always'
  const bothSides = answers.some(({ sustained }) => sustained > 0.5) && answers.some(({ sustained }) => sustained < 0.5)
  const half = Math.max(interval.high - recordsPerSecond, recordsPerSecond - interval.low)
  return answers.length >= leastAnswers && bothSides && half <= precision * recordsPerSecond ? 'precise' : undefined
}

interface Known {
  /** Logarithms of rates, equally far apart, and their probabilities. */
  readonly rates: readonly number[]
  readonly weights: readonly number[]
  readonly softness: number
}

function posterior(answers: readonly Answer[], { fullSpeed, precision }: SearchOptions): Known {
  const step = Math.min(0.0125, precision / 4)
  const from = Math.log(fullSpeed * lowest)
  const rates = Array.from({ length: Math.ceil(Math.log(highest / lowest) / step) + 1 }, (_, k) => from + k * step)
  const centre = Math.log(fullSpeed * likely)
  const prior = rates.map((rate) => (rate < centre ? (rate - centre) / belowScale : (centre - rate) / aboveScale))
  const cells = softnesses.flatMap((softness) => lapses.map((lapse) => ({ softness, lapse })))
  const rows = cells.map(({ softness, lapse }) => {
    const row = rates.map((_, k) => lapse.weight * Math.exp(prior[k] ?? 0))
    for (const { rate, sustained } of answers) {
      const asked = Math.log(rate)
      for (const [k, capacity] of rates.entries())
        row[k] = (row[k] ?? 0) * likelihood(sustained, (capacity - asked) / softness, lapse.share)
    }
    return row
  })
  const weights = rates.map((_, k) => rows.reduce((sum, row) => sum + (row[k] ?? 0), 0))
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  const soft = rows.reduce((sum, row, i) => sum + (cells[i]?.softness ?? 0) * row.reduce((all, weight) => all + weight, 0), 0)
  return { rates, weights: weights.map((weight) => weight / total), softness: soft / total }
}

/**
 * The chance of an answer at a distance z = (log capacity - log rate) / softness. Three kinds of answers in order, as in a
 * proportional-odds model (McCullagh, 1980): sustained, unclear, not sustained. One that is unclear says that the rate is
 * near the capacity; one in between counts as both its neighbours, by how near it is to each.
 */
function likelihood(sustained: number, z: number, lapse: number): number {
  const curve = 1 - 3 * lapse
  const yes = lapse + curve / (1 + Math.exp(unclearReach - z))
  const no = lapse + curve / (1 + Math.exp(unclearReach + z))
  const clear = Math.abs(2 * sustained - 1)
  return clear * (sustained > 0.5 ? yes : no) + (1 - clear) * (1 - yes - no)
}

function estimateOf(known: Known): Estimate {
  return {
    recordsPerSecond: quantile(known, 0.5),
    interval: { low: quantile(known, 0.025), high: quantile(known, 0.975), confidence: 0.95 },
    softness: known.softness,
  }
}

/** The rate below which so much of the probability lies, linear between neighbours. */
function quantile({ rates, weights }: Known, q: number): number {
  let below = 0
  for (const [k, weight] of weights.entries()) {
    if (below + weight >= q) {
      const step = (rates[1] ?? 0) - (rates[0] ?? 0)
      return Math.exp((rates[k] ?? 0) + step * ((q - below) / weight - 0.5))
    }
    below += weight
  }
  return Math.exp(rates.at(-1) ?? 0)
}
