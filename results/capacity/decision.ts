/** What one probe of a target at a rate says: sustained, not sustained, unclear, or nothing at all. */
import { count, milliseconds } from '../format.js'
import { type Growth, growthOf } from './backlog.js'
import { allowedLate, type Lateness, latenessOf } from './lateness.js'
import type { Observation } from './observation.js'

/** `void`: Weir itself fell behind, so that the probe says nothing about the target. */
export const outcomes = ['sustained', 'not sustained', 'unclear', 'void'] as const
export type Outcome = (typeof outcomes)[number]

/** What a rate that is not sustained breaks. */
export const conditions = ['backlog', 'latency', 'drain'] as const
export type Condition = (typeof conditions)[number]

export interface ProbeEvidence extends Observation {
  /** How late the driver itself was, the target's back-pressure left out: p99 in milliseconds. */
  readonly generatorLagP99Ms: number
  /** Share of the time in which the driver was making lines. */
  readonly generatorBusyShare: number
  /** Share of all cores' time that was used, and that making lines was of all of it; null where the system does not tell. */
  readonly cores: { readonly busyShare: number; readonly generatorShare: number } | null
  /** Everything offered was settled in the end. */
  readonly drained: boolean
}

export interface Decision {
  readonly outcome: Outcome
  /** From 0 to 1: how the evidence speaks for sustained, taken alone. 0.5 says nothing. */
  readonly sustained: number
  /** The conditions that it speaks against. */
  readonly broke: readonly Condition[]
  readonly growth: Growth | null
  readonly lateness: Lateness
  /** In words, most telling first. */
  readonly evidence: readonly string[]
}

/** From this probability on the outcome has a name: odds of four to one. */
const clear = 0.8
/** When the backlog grows, it does so by some share of the rate: half-normal with this scale, of overloads worth telling apart. */
const overloadScale = 0.2
/** Weir was late itself when its p99 exceeds this share of the limit, or so many milliseconds if that is more: ticks are no lag. */
const lagShare = 0.2
const leastLagMs = 20
/** A driver that makes lines for this share of the time has none left to offer them in. */
const mostBusyShare = 0.7
/** Cores used so much are full; and making lines is no cause of that when it took no more of them. */
const fullShare = 0.9
const leastGeneratorShare = 0.1

/**
 * A rate is sustained when the backlog does not grow, at most one record in a hundred is later than the limit, and what was
 * offered is settled in the end. The first two are weighed by their Bayes factors with even prior odds, and the weaker one counts.
 * A probe that the target passes counts even if Weir was late: latency runs from when records were due. One that it does
 * not pass is void when Weir was late itself, unless it was for want of a core: where target and store leave none to a
 * generator that needs little, the machine is at its limit, and with it the target.
 */
export function decide(probe: ProbeEvidence, limitMs: number): Decision {
  const growth = growthOf(probe)
  const lateness = latenessOf(probe, limitMs)
  const holds = growth === undefined ? 0.5 : probabilityOf(steadyOdds(growth))
  // More late records than are allowed may be chance, which is unclear; they never speak for the target.
  const inTime = Math.min(probabilityOf(lateness.odds), lateness.share > allowedLate ? 0.5 : 1)
  const sustained = probe.drained ? Math.min(holds, inTime) : 0
  const broke: Condition[] = []
  if (!probe.drained) broke.push('drain')
  if (holds <= 1 - clear) broke.push('backlog')
  if (inTime <= 1 - clear) broke.push('latency')
  const late = probe.generatorLagP99Ms > Math.max(leastLagMs, lagShare * limitMs)
  const fellBehind = probe.generatorBusyShare > mostBusyShare || (late && !lacksCores(probe))
  const outcome = sustained >= clear ? 'sustained' : fellBehind ? 'void' : sustained <= 1 - clear ? 'not sustained' : 'unclear'
  const evidence = wordsOf(probe, growth, lateness, limitMs)
  return { outcome, sustained, broke, growth: growth ?? null, lateness, evidence }
}

function lacksCores({ cores }: ProbeEvidence): boolean {
  return cores !== null && cores.busyShare >= fullShare && cores.generatorShare <= leastGeneratorShare
}

function probabilityOf(odds: number): number {
  return odds / (1 + odds)
}

/** Odds beyond this say nothing more. */
const mostLogOdds = Math.log(1e12)

/**
 * How much likelier the slope is if the backlog is steady than if it grows by an unknown share of the rate (half-normal):
 * the Bayes factor of a normal mean (Jeffreys, 1961). A backlog that shrinks counts as steady.
 */
export function steadyOdds({ slope, standardError, freedom }: Pick<Growth, 'slope' | 'standardError' | 'freedom'>): number {
  // Student's longer tails, as the normal distribution of the same variance; no probe tells slopes below half a percent apart.
  const error = Math.max(standardError * Math.sqrt(freedom / Math.max(1, freedom - 2)), 0.004)
  const seen = Math.max(0, slope)
  const logDensity = (distance: number) => -0.5 * (distance / error) ** 2
  const reach = Math.max(4 * overloadScale, seen) + 6 * error
  const steps = Math.max(400, Math.ceil((4 * reach) / error))
  const priors: number[] = []
  const logs: number[] = []
  for (let k = 0; k < steps; k++) {
    const share = ((k + 0.5) * reach) / steps
    priors.push(Math.exp(-0.5 * (share / overloadScale) ** 2))
    logs.push(-0.5 * (share / overloadScale) ** 2 + logDensity(seen - share))
  }
  // As logarithms: far from both, neither density is more than zero as a number.
  const largest = Math.max(...logs)
  const logGrowing =
    largest +
    Math.log(logs.reduce((sum, log) => sum + Math.exp(log - largest), 0)) -
    Math.log(priors.reduce((sum, prior) => sum + prior, 0))
  return Math.exp(Math.min(mostLogOdds, Math.max(-mostLogOdds, logDensity(seen) - logGrowing)))
}

function wordsOf(probe: ProbeEvidence, growth: Growth | undefined, lateness: Lateness, limitMs: number): string[] {
  const percent = (share: number) => `${(100 * share).toFixed(Math.abs(share) < 0.1 ? 1 : 0)}%`
  const words = [
    growth === undefined
      ? 'the window was too short for its batches to tell a slope of the backlog'
      : `the backlog's slope was ${percent(growth.slope)} of the rate [${percent(growth.low)}, ${percent(growth.high)}]`,
    `${percent(lateness.share)} of ${count(lateness.records)} records were later than ${milliseconds(limitMs)} ms`,
  ]
  if (!probe.drained) words.unshift('it did not come to an end with what it was offered')
  if (probe.generatorLagP99Ms > leastLagMs) {
    const { cores } = probe
    const want =
      cores !== null && lacksCores(probe)
        ? `, for want of a core: all of them were ${percent(cores.busyShare)} busy, making lines took ${percent(cores.generatorShare)} of that`
        : ''
    words.push(`Weir itself was late: p99 ${milliseconds(probe.generatorLagP99Ms)} ms${want}`)
  }
  if (probe.generatorBusyShare > mostBusyShare) words.push(`Weir was making lines ${percent(probe.generatorBusyShare)} of the time`)
  return words
}
