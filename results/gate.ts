/** The gate's decision: from pairs of neighbouring blocks to one word and an exit status; pure. */
import type { Interval } from './result.js'
import { signedRankInterval } from './statistics.js'

/** What is decided on: records per second, due-to-stored p99 at half of full speed, or CPU seconds of the build for each record. */
export const gateMetrics = ['throughput', 'p99', 'cpu'] as const
export type GateMetric = (typeof gateMetrics)[number]

/** A pair of neighbouring blocks: a value of the base and of the candidate, of which more is better (a time is turned over). */
export type GatePair = readonly [base: number, candidate: number]

/** The pairs that one process of the base and one of the candidate ran. */
export type GateCopy = readonly GatePair[]

/**
 * `slower`: a regression. `faster`: shown, and by more than the least effect. `no regression shown`: neither, and a slowdown
 * of twice the least effect would have been seen. `cannot tell`: the noise would have hidden that.
 */
export type GateWord = 'slower' | 'faster' | 'no regression shown' | 'cannot tell'

export interface GateRule {
  /** The smallest slowdown that matters: 0.05. */
  readonly minEffect: number
  /** Of the interval, two-sided: 0.99. */
  readonly confidence: number
}

export interface GateDecision {
  readonly word: GateWord
  /** Candidate over base: below 1 is slower. */
  readonly ratio: number
  /** Null with too few pairs for that confidence: fewer than eight at 99%. */
  readonly interval: Interval | null
  readonly copies: number
  readonly pairs: number
  /** Standard deviation of the log ratios of single pairs, within copies. */
  readonly pairNoise: number
  /** Standard deviation of the mean log ratios of copies. */
  readonly copyNoise: number
  /** So many times as many pairs would let it tell; 1 when it can be told. Null when nothing can be said. */
  readonly timesPairs: number | null
}

export const defaultRule: GateRule = { minEffect: 0.05, confidence: 0.99 }

/**
 * Decides. The estimate is the centre of the log ratios of all pairs (Hodges and Lehmann, 1963), which a few disturbed pairs
 * hardly move, with the interval of the signed-rank test (Wilcoxon, 1945). Pairs of a copy share processes, connections and
 * tables: where the means of copies lie farther apart than the noise within them explains, the interval is widened by the
 * ratio of the two (Birge, 1932). A regression needs both: an interval that lies wholly on the slow side, and an estimate
 * beyond the least effect. The number of pairs must not depend on what was seen.
 * @throws RangeError without copies or pairs, or when a rate is not above zero
 */
export function decide(copies: readonly GateCopy[], { minEffect, confidence }: GateRule): GateDecision {
  const logs = copies.map((pairs) => pairs.map(logRatio))
  if (logs.length === 0 || logs.some((pairs) => pairs.length === 0)) throw new RangeError('a decision needs copies with pairs')
  const { estimate, interval } = signedRankInterval(logs.flat(), confidence)
  const wider = interval && widened(estimate, interval, birgeRatio(logs))
  const ratio = Math.exp(estimate)
  const turned = wider && { low: Math.exp(wider.low), high: Math.exp(wider.high), confidence }
  const word = wordFor(ratio, turned, minEffect)
  return {
    word,
    ratio,
    interval: turned,
    copies: copies.length,
    pairs: logs.flat().length,
    pairNoise: within(logs),
    copyNoise: deviation(logs.map(mean)),
    timesPairs: word === 'cannot tell' ? times(wider, minEffect) : 1,
  }
}

/** The word for a ratio (candidate over base) with its interval. */
export function wordFor(ratio: number, interval: Interval | null, minEffect: number): GateWord {
  if (interval === null) return 'cannot tell'
  if (interval.high < 1 && ratio < 1 - minEffect) return 'slower'
  if (interval.low > 1 && ratio > 1 + minEffect) return 'faster'
  return interval.low >= 1 - 2 * minEffect ? 'no regression shown' : 'cannot tell'
}

function widened(estimate: number, { low, high, confidence }: Interval, times: number): Interval {
  return { low: estimate - (estimate - low) * times, high: estimate + (high - estimate) * times, confidence }
}

/** How many times as far the means of groups lie apart as the noise within groups lets expect; 1 at the least. */
function birgeRatio(groups: readonly (readonly number[])[]): number {
  const noise = within(groups)
  if (groups.length < 2 || !(noise > 0)) return 1
  const all = mean(groups.flat())
  const square = groups.reduce((sum, group) => sum + group.length * (mean(group) - all) ** 2, 0) / (groups.length - 1)
  return Math.max(1, Math.sqrt(square) / noise)
}

/** An interval narrows with the square root of the pairs; wanted is one that reaches no farther than the least effect. */
function times(interval: Interval | null, minEffect: number): number | null {
  if (interval === null) return null
  return Math.max(1, ((interval.high - interval.low) / 2 / Math.log1p(minEffect)) ** 2)
}

function logRatio([base, candidate]: GatePair): number {
  if (!(base > 0) || !(candidate > 0)) throw new RangeError(`a ratio needs rates above zero, not ${base} and ${candidate}`)
  return Math.log(candidate / base)
}

/** Standard deviation within groups, pooled; NaN where no group has two values. */
function within(groups: readonly (readonly number[])[]): number {
  const freedom = groups.reduce((sum, group) => sum + Math.max(0, group.length - 1), 0)
  const squares = groups.reduce((sum, group) => sum + group.length * variance(group), 0)
  return Math.sqrt(squares / freedom)
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

/** Mean square distance from the mean. */
function variance(values: readonly number[]): number {
  const centre = mean(values)
  return values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / values.length
}

function deviation(values: readonly number[]): number {
  return values.length < 2 ? Number.NaN : Math.sqrt((variance(values) * values.length) / (values.length - 1))
}
