/** The gate's decision, from interleaved pairs of blocks alone: a regression, none shown, or not to be told. */
import type { Audit, Build, Interval, PairedRatio } from './result.js'
import { robustPairedRatio } from './statistics.js'

/** What is compared: records per second, due-to-stored p99, or CPU seconds per record of the build's own processes. */
export const gateMetrics = ['throughput', 'p99', 'cpu'] as const
export type GateMetric = (typeof gateMetrics)[number]

/**
 * `regression` and `improvement`: the interval excludes 1 and the effect exceeds the least that matters. `pass`: no
 * regression of that size was shown, and one of twice the size would have been. `unclear`: the noise hides even that.
 */
export const gateDecisions = ['pass', 'improvement', 'unclear', 'regression', 'unsound'] as const
export type GateDecision = (typeof gateDecisions)[number]

/** Of the gate's intervals; a gate that runs a hundred times a week must not cry wolf five times. */
export const gateConfidence = 0.99

/** A pair of neighbouring blocks: what the base and the candidate measured. */
export type GatePair = readonly [base: number, candidate: number]

export interface GateEvidence {
  readonly metric: GateMetric
  readonly pairs: readonly GatePair[]
  /** The smallest effect that matters, as a share: 0.05. */
  readonly minEffect: number
}

export interface GateJudgement {
  readonly decision: Exclude<GateDecision, 'unsound'>
  /** Candidate over base, with the interval; null without pairs. */
  readonly ratio: PairedRatio | null
  /** How much worse the candidate is, as a share of the base: 0.1 is a tenth less throughput, or a tenth more time. Negative: better. */
  readonly effect: number | null
  /** Standard deviation of the pairs' log ratios, robust (1.4826 x median absolute deviation): the noise of one pair. */
  readonly noise: number | null
  /** How many pairs would make the interval narrow enough to tell; null when these were enough. */
  readonly pairsNeeded: number | null
}

/** One side's audits added up; null where the store cannot be read back. */
export interface GateSideReport {
  readonly build: Build
  /** Where it came from: 'this build', a path below the working directory, or a git ref with its commit. */
  readonly origin: string
  readonly audit: Audit | null
  readonly findings: readonly string[]
}

/** What `weir gate --json` prints. */
export interface GateReport {
  readonly schema: 1
  readonly kind: 'gate'
  readonly mode: 'side by side' | 'stored baseline'
  readonly createdAt: string
  readonly decision: GateDecision
  /** One sentence for the terminal, the summary and the test report. */
  readonly sentence: string
  readonly metric: GateMetric
  readonly minEffect: number
  readonly target: string
  readonly store: string
  readonly storeVersion: string
  readonly durability: string
  readonly image: string
  readonly records: number
  readonly base: GateSideReport
  readonly candidate: GateSideReport
  readonly pairs: readonly GatePair[]
  readonly ratio: PairedRatio | null
  readonly effect: number | null
  readonly noise: number | null
  readonly pairsNeeded: number | null
  readonly elapsedSeconds: number
  /** What the reader should know: advice, settings shared by both sides, what could not be done. */
  readonly remarks: readonly string[]
}

/**
 * Judges pairs of neighbouring blocks. The ratio is the Hodges-Lehmann centre of the pairs' log ratios with Wilcoxon's
 * signed-rank interval at 99% (see `robustPairedRatio`): a block that the machine disturbed counts by its rank only.
 * A regression needs both: the whole interval on the worse side of 1, and an effect above `minEffect`. So with a standard
 * error s of the log ratio a build against itself fails with a probability of about P(Z > minEffect / s), and one that is
 * `e` worse passes with P(Z > (e - minEffect) / s): both are below 0.1% at s = 1.5%, minEffect 5% and e = 10%.
 */
export function judgeGate({ metric, pairs, minEffect }: GateEvidence): GateJudgement {
  if (pairs.length === 0) return { decision: 'unclear', ratio: null, effect: null, noise: null, pairsNeeded: null }
  const ratio = robustPairedRatio(
    pairs.map(([base, candidate]) => [candidate, base] as const),
    gateConfidence,
  )
  const worse = metric === 'throughput' ? (value: number) => 1 - value : (value: number) => value - 1
  const effect = worse(ratio.ratio)
  const { interval } = ratio
  const noise = robustDeviation(pairs.map(([base, candidate]) => Math.log(candidate / base)))
  const half = interval === null ? null : Math.log(interval.high / interval.low) / 2
  // The interval shrinks with the root of the number of pairs.
  const pairsNeeded = half === null || half <= minEffect ? null : Math.ceil(pairs.length * (half / minEffect) ** 2)
  const decision = decide(interval, effect, minEffect, worse, half)
  return { decision, ratio, effect, noise, pairsNeeded: decision === 'unclear' ? pairsNeeded : null }
}

function decide(
  interval: Interval | null,
  effect: number,
  minEffect: number,
  worse: (ratio: number) => number,
  half: number | null,
): GateJudgement['decision'] {
  if (interval === null || half === null) return 'unclear'
  const ends = [worse(interval.low), worse(interval.high)]
  if (Math.min(...ends) > 0 && effect > minEffect) return 'regression'
  if (Math.max(...ends) < 0 && -effect > minEffect) return 'improvement'
  return half > minEffect ? 'unclear' : 'pass'
}

function robustDeviation(values: readonly number[]): number | null {
  if (values.length < 2) return null
  const middle = median(values)
  return 1.4826 * median(values.map((value) => Math.abs(value - middle)))
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (sorted.length - 1) / 2
  return ((sorted[Math.floor(at)] ?? 0) + (sorted[Math.ceil(at)] ?? 0)) / 2
}

const nouns: Readonly<Record<GateMetric, readonly [less: string, more: string]>> = {
  throughput: ['slower', 'faster'],
  p99: ['later at p99', 'earlier at p99'],
  cpu: ['more CPU per record', 'less CPU per record'],
}

/** The judgement in a sentence. */
export function sayGate({ decision, ratio, effect, pairsNeeded }: GateJudgement, metric: GateMetric, minEffect: number): string {
  const [worse, better] = nouns[metric]
  if (ratio === null || effect === null) return 'cannot tell: no pair of blocks was measured'
  const { interval } = ratio
  const spread =
    interval === null
      ? ''
      : `, ${Math.round(interval.confidence * 100)}% interval of the ratio ${interval.low.toFixed(3)} to ${interval.high.toFixed(3)}`
  const size = `${(Math.abs(effect) * 100).toFixed(1)}% ${effect > 0 ? worse : better}`
  const seen = `${size} (${ratio.pairs} pairs${spread})`
  const least = `${(minEffect * 100).toFixed(minEffect < 0.1 ? 1 : 0)}%`
  switch (decision) {
    case 'regression':
      return `regression: the candidate is ${seen}; ${least} is allowed`
    case 'improvement':
      return `improvement: the candidate is ${seen}`
    case 'pass':
      return `no regression of ${least} or more shown: the candidate is ${seen}`
    case 'unclear':
      return `cannot tell: the candidate is ${seen}, and the noise of this machine hides ${least}${pairsNeeded === null ? '' : `; it would take about ${pairsNeeded} pairs`}`
  }
}
