/** A gate against a stored result: both figures as ratios to what the same session measured of its own machine. Advice, not proof. */
import { type GateJudgement, gateConfidence } from './gate.js'
import type { Interval, Result, Run } from './result.js'
import { studentQuantile } from './statistics.js'

/** What a run's throughput is divided by. */
export const yardsticks = ['null calibration', 'measured baseline'] as const
export type Yardstick = (typeof yardsticks)[number]

export interface YardstickRatio {
  readonly yardstick: Yardstick
  /** The candidate's throughput over its yardstick, divided by the same of the base. */
  readonly ratio: number
  /** Null where a figure has no interval of its own. */
  readonly interval: Interval | null
}

export interface BaselineJudgement extends GateJudgement {
  readonly byYardstick: readonly YardstickRatio[]
}

/** A run and the document that it stands in. */
export interface Judged {
  readonly result: Result
  readonly run: Run
}

/**
 * Judges a run by each yardstick: how many times as fast as the null store, and as the row-at-a-time baseline, that were
 * measured beside it. Two machines differ in more than one speed, so only what both yardsticks say is a regression or an
 * improvement, and the milder of the two ratios is the one that is told. The intervals add the variances of the four
 * logarithms, each taken from its 95% interval as if that were normal, which is on the wide side for intervals of few
 * blocks (delta method; assumes sessions independent of each other).
 */
export function judgeBaseline(base: Judged, candidate: Judged, minEffect: number): BaselineJudgement {
  const byYardstick = yardsticks.flatMap((yardstick) => ratioBy(yardstick, base, candidate) ?? [])
  const nothing = { pairsNeeded: null, noise: null, byYardstick }
  if (byYardstick.length === 0) return { decision: 'unclear', ratio: null, effect: null, ...nothing }
  const mildest = byYardstick.reduce((a, b) => (Math.abs(Math.log(b.ratio)) < Math.abs(Math.log(a.ratio)) ? b : a))
  const ratio = { ratio: mildest.ratio, interval: mildest.interval, pairs: 0 }
  const effect = 1 - mildest.ratio
  const all = (holds: (each: YardstickRatio & { readonly interval: Interval }) => boolean) =>
    byYardstick.every((each) => each.interval !== null && holds({ ...each, interval: each.interval }))
  const decision = all((each) => each.interval.high < 1 && 1 - each.ratio > minEffect)
    ? 'regression'
    : all((each) => each.interval.low > 1 && each.ratio - 1 > minEffect)
      ? 'improvement'
      : all(({ interval }) => Math.log(interval.high / interval.low) / 2 <= minEffect)
        ? 'pass'
        : 'unclear'
  return { decision, ratio, effect, ...nothing }
}

function ratioBy(yardstick: Yardstick, base: Judged, candidate: Judged): YardstickRatio | undefined {
  const figures = [base, candidate].map(({ run, result }) => {
    const { recordsPerSecond: speed, interval } = run.throughput
    const own =
      yardstick === 'null calibration'
        ? { value: result.calibration.nullRecordsPerSecond, interval: result.calibration.interval }
        : { value: result.baseline.measured, interval: result.baseline.interval }
    if (!(speed > 0) || own.value === null || !(own.value > 0)) return undefined
    const variances = [variance(interval), variance(own.interval)]
    return { ratio: speed / own.value, variance: variances.some((each) => each === null) ? null : sum(variances as number[]) }
  })
  const [was, is] = figures
  if (was === undefined || is === undefined) return undefined
  const ratio = is.ratio / was.ratio
  if (was.variance === null || is.variance === null) return { yardstick, ratio, interval: null }
  const margin = normalQuantile((1 + gateConfidence) / 2) * Math.sqrt(was.variance + is.variance)
  return { yardstick, ratio, interval: { low: ratio * Math.exp(-margin), high: ratio * Math.exp(margin), confidence: gateConfidence } }
}

/** Of the logarithm of a figure, from its interval; null without one. */
function variance(interval: Interval | null | undefined): number | null {
  if (!interval || !(interval.low > 0)) return null
  return (Math.log(interval.high / interval.low) / 2 / normalQuantile((1 + interval.confidence) / 2)) ** 2
}

/** Student's t of so many degrees is normal to more digits than are told. */
function normalQuantile(p: number): number {
  return studentQuantile(p, 1e7)
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
