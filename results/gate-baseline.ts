/** Compares runs with a stored baseline from any machine: by its ratio to what each machine itself measured beside it. */
import { type GateWord, wordFor } from './gate.js'
import type { Interval, Result, Run, ThroughputBlock } from './result.js'
import { studentQuantile } from './statistics.js'

/** What a machine is measured by: the null store, and the row-at-a-time architecture. */
export const yardsticks = ['null calibration', 'measured baseline'] as const
export type Yardstick = (typeof yardsticks)[number]

/** A run's speed as a multiple of a yardstick's, in the stored document and here. */
export interface RatioRow {
  readonly yardstick: Yardstick
  readonly base: number
  readonly candidate: number
  /** Candidate over base. */
  readonly ratio: number
  /** Null where some figure rests on a single block. */
  readonly interval: Interval | null
}

export interface BaselineDecision {
  readonly rows: readonly RatioRow[]
  /** Anything but 'cannot tell' only if both yardsticks are there; 'slower' and 'faster' only if both say so. */
  readonly word: GateWord
}

/** The repetitions of one target on one store within a session, whose blocks count together. */
export interface PlacedRuns {
  readonly runs: readonly Run[]
  readonly result: Result
}

/**
 * Decides for one target on one store. Machines differ in more ways than a yardstick measures: the null store says what processor and memory
 * give, the row-at-a-time baseline what a commit costs, and a run lies between the two. So a regression needs both to
 * agree. The interval of a ratio of ratios is Student's on logarithms, the variances of its four means added, with the
 * degrees of freedom of Welch (1947) and Satterthwaite (1946).
 */
export function decideByRatio(
  base: PlacedRuns,
  candidate: PlacedRuns,
  rule: { readonly minEffect: number; readonly confidence: number },
): BaselineDecision {
  const rows = yardsticks.flatMap((yardstick) => rowFor(yardstick, base, candidate, rule.confidence) ?? [])
  const words = rows.map(({ ratio, interval }) => wordFor(ratio, interval, rule.minEffect))
  if (rows.length < yardsticks.length) return { rows, word: 'cannot tell' }
  const [first] = words
  const agreed = first !== undefined && words.every((word) => word === first)
  const calm = words.every((word) => word === 'no regression shown' || word === 'faster')
  return { rows, word: agreed ? first : calm ? 'no regression shown' : 'cannot tell' }
}

function rowFor(yardstick: Yardstick, base: PlacedRuns, candidate: PlacedRuns, confidence: number): RatioRow | undefined {
  const means = [
    logMean(candidate.runs.flatMap(({ blocks = [] }) => blocks)),
    logMean(base.runs.flatMap(({ blocks = [] }) => blocks)),
    logMean(blocksOf(candidate, yardstick)),
    logMean(blocksOf(base, yardstick)),
  ]
  const [ours, theirs, ourYard, theirYard] = means
  if (ours === undefined || theirs === undefined || ourYard === undefined || theirYard === undefined) return undefined
  const estimate = ours.mean - ourYard.mean - (theirs.mean - theirYard.mean)
  return {
    yardstick,
    base: Math.exp(theirs.mean - theirYard.mean),
    candidate: Math.exp(ours.mean - ourYard.mean),
    ratio: Math.exp(estimate),
    interval: intervalOf(estimate, [ours, theirs, ourYard, theirYard], confidence),
  }
}

function blocksOf({ result }: PlacedRuns, yardstick: Yardstick): readonly ThroughputBlock[] | undefined {
  return yardstick === 'null calibration' ? result.calibration.blocks : result.baseline.blocks
}

interface LogMean {
  readonly mean: number
  /** Variance of the mean. */
  readonly variance: number
  readonly n: number
}

function logMean(blocks: readonly ThroughputBlock[] | undefined): LogMean | undefined {
  const logs = (blocks ?? [])
    .filter(({ recordsPerSecond }) => recordsPerSecond > 0)
    .map(({ recordsPerSecond }) => Math.log(recordsPerSecond))
  const n = logs.length
  if (n === 0) return undefined
  const mean = logs.reduce((sum, log) => sum + log, 0) / n
  return { mean, variance: n === 1 ? Number.NaN : logs.reduce((sum, log) => sum + (log - mean) ** 2, 0) / (n - 1) / n, n }
}

function intervalOf(estimate: number, means: readonly LogMean[], confidence: number): Interval | null {
  const variance = means.reduce((sum, one) => sum + one.variance, 0)
  if (!(variance > 0)) return null
  const freedom = variance ** 2 / means.reduce((sum, one) => sum + one.variance ** 2 / (one.n - 1), 0)
  const reach = studentQuantile(1 - (1 - confidence) / 2, Math.max(1, Math.floor(freedom))) * Math.sqrt(variance)
  return { low: Math.exp(estimate - reach), high: Math.exp(estimate + reach), confidence }
}
