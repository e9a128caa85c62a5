/** What a run amounts to, decided from evidence alone. */
import type { Audit, Run, Verdict } from './result.js'

/** Above this share of the CPU used, the generator is part of what was measured. */
export const largestGeneratorShare = 0.1
/** The null store must be at least this many times as fast, or generator and driver may have set the pace. */
export const leastNullTimes = 3
/** The driver's own lateness, at p99, may be this share of the latency that it is part of, */
export const largestLagShare = 0.25
/** and this many milliseconds in any case: a busy machine's timers come no better. */
export const smallestLagMs = 10

/** What `judge` looks at. Null stands for what was not or could not be measured. */
export interface RunEvidence {
  /** CPU seconds of rendering, pacing and filing in the full-speed leg. */
  readonly generatorCpuSeconds: number | null
  /** CPU seconds of generator, target and store together. */
  readonly totalCpuSeconds: number | null
  readonly nullRecordsPerSecond: number | null
  readonly recordsPerSecond: number
  /** Of the full-speed leg; null for the null store, or when the run never came to it. */
  readonly audit: Audit | null
  /** Of the latency leg. */
  readonly latencyAudit?: Audit | null
  /** Of blocks beside the legs. */
  readonly otherAudits?: readonly Audit[] | undefined
  readonly error?: string | undefined
  /** Why the first record failed, when one did. */
  readonly firstFailure?: string | undefined
  readonly interrupted: boolean
  /** The latency leg's backlog grew: the target did not keep up with that rate. */
  readonly overloaded: boolean
  /** Of the latency leg, p99, milliseconds: how late the driver offered, and how late records were stored. */
  readonly lag?: { readonly offeredMs: number; readonly storedMs: number } | undefined
  /** Largest number of lines that may fail to parse; null when any number may. */
  readonly maxRejects?: number | null
  /** Further thresholds of the user's that were missed, in words. */
  readonly missedThresholds?: readonly string[]
  /** There was no leg at full speed: what the generator used, and what the null store could take, say nothing then. */
  readonly givenRate?: boolean | undefined
}

export interface Judgement {
  readonly verdict: Verdict
  /** In words, most important first; for `ok`, what could not be checked. */
  readonly reasons: readonly string[]
}

/**
 * The verdict, by the first of these that holds:
 *
 * 1. `unsound`: an audit found duplicated, corrupted, misplaced or unexpected rows. No stop and no error excuses what is
 *    in the store and should not be, so this holds for unfinished runs too. Lost records count only if the run finished:
 *    one that was cut short may have records that were accepted and had no time to be stored. An audit of a finished run
 *    whose fates do not add up to what was offered is no proof of anything, and unsound as well.
 * 2. `interrupted`: it was told to stop. Before `failed`, because stopping makes things fail.
 * 3. `failed`: it ended with an error, or records failed on the way.
 * 4. `threshold-failed`: a threshold that the user set was missed. Before `generator-bound`, because an explicit
 *    requirement that was missed must not pass as an answer.
 * 5. `generator-bound`: the generator used more than 10% of the CPU, the null store was less than 3 times as fast, or the
 *    driver was late itself: at p99 by more than 10 ms and by more than a quarter of the latency that it measured.
 *    Before `overloaded`, because a generator that cannot keep its schedule looks like a target that cannot keep up.
 * 6. `overloaded`: the latency leg's backlog grew.
 * 7. `ok`.
 */
export function judge(evidence: RunEvidence): Judgement {
  const finished = !evidence.interrupted && evidence.error === undefined
  const audits = [evidence.audit, evidence.latencyAudit ?? null, ...(evidence.otherAudits ?? [])].filter((audit) => audit !== null)
  const damage = audits.flatMap((audit) => auditFindings(audit)).filter(({ kind }) => finished || kind !== 'lost')
  const unbalanced = finished && audits.some((audit) => !balances(audit))
  if (damage.length > 0 || unbalanced) {
    const sums = unbalanced ? ['the audit does not add up: some record has no fate, or two'] : []
    return {
      verdict: 'unsound',
      reasons: [...damage.map(({ kind, count }) => `the audit found ${count.toLocaleString('en-US')} ${kind}`), ...sums],
    }
  }
  if (evidence.interrupted) return { verdict: 'interrupted', reasons: ['it was told to stop before it was done'] }
  if (evidence.error !== undefined) return { verdict: 'failed', reasons: [evidence.error] }
  const failed = audits.reduce((sum, audit) => sum + audit.failed, 0)
  if (failed > 0) {
    const because = evidence.firstFailure === undefined ? '' : `; the first because ${evidence.firstFailure}`
    return { verdict: 'failed', reasons: [`${failed.toLocaleString('en-US')} records were not stored, or may not be${because}`] }
  }

  const missed = [...(evidence.missedThresholds ?? [])]
  const rejected = Math.max(0, ...audits.map((audit) => audit.rejected))
  if (typeof evidence.maxRejects === 'number' && rejected > evidence.maxRejects) {
    missed.unshift(`${rejected.toLocaleString('en-US')} lines did not parse, --max-rejects allows ${evidence.maxRejects}`)
  }
  if (missed.length > 0) return { verdict: 'threshold-failed', reasons: missed }

  const { reasons: slow, unchecked } = evidence.givenRate ? { reasons: [], unchecked: [] } : generatorBound(evidence)
  const reasons = [...slow, ...fellBehind(evidence)]
  if (reasons.length > 0) return { verdict: 'generator-bound', reasons }
  if (evidence.overloaded) {
    return { verdict: 'overloaded', reasons: ['it fell behind the rate of its latency leg: the backlog grew', ...unchecked] }
  }
  return { verdict: 'ok', reasons: unchecked }
}

/** Why the latencies are in part Weir's own: it was late itself. */
function fellBehind({ lag }: RunEvidence): readonly string[] {
  if (lag === undefined || lag.offeredMs <= Math.max(smallestLagMs, largestLagShare * lag.storedMs)) return []
  return [
    `Weir itself fell behind in the latency leg: at p99 it offered records ${lag.offeredMs.toFixed(0)} ms after they were due, of ${lag.storedMs.toFixed(0)} ms until they were stored`,
  ]
}

/** Whether a run's latencies are those of a growing queue; results of older builds tell it by the verdict alone. */
export function wasOverloaded({ verdict, latencyLeg }: Pick<Run, 'verdict' | 'latencyLeg'>): boolean {
  return verdict === 'overloaded' || latencyLeg?.overloaded === true
}

/** Kinds of damage that an audit counted, with their numbers; empty when it is clean. */
export function auditFindings(audit: Audit): readonly { readonly kind: string; readonly count: number }[] {
  return [
    { kind: 'lost', count: audit.lost },
    { kind: 'duplicated', count: audit.duplicated },
    { kind: 'corrupted', count: audit.corrupted },
    { kind: 'misplaced', count: audit.misplaced },
    { kind: 'unexpected', count: audit.unexpected ?? 0 },
  ].filter(({ count }) => count > 0)
}

/** Whether every record offered has exactly one fate: offered = stored + rejected + excluded + refused + failed + lost. */
export function balances({ offered, stored, rejected, excluded, refused, failed, lost }: Audit): boolean {
  return offered === stored + rejected + excluded + refused + failed + lost
}

/** Share of the CPU that the generator used; null when unknown. */
export function generatorShare(evidence: Pick<RunEvidence, 'generatorCpuSeconds' | 'totalCpuSeconds'>): number | null {
  const { generatorCpuSeconds, totalCpuSeconds } = evidence
  return generatorCpuSeconds === null || totalCpuSeconds === null || totalCpuSeconds <= 0 ? null : generatorCpuSeconds / totalCpuSeconds
}

export type GeneratorEvidence = Pick<RunEvidence, 'generatorCpuSeconds' | 'totalCpuSeconds' | 'nullRecordsPerSecond' | 'recordsPerSecond'>

/** Why the generator is part of what was measured; no reasons when it is not. And what could not be checked. */
export function generatorBound(evidence: GeneratorEvidence): {
  readonly reasons: readonly string[]
  readonly unchecked: readonly string[]
} {
  const reasons: string[] = []
  const unchecked: string[] = []
  const share = generatorShare(evidence)
  if (share === null) unchecked.push("the generator's share of the CPU was not measured")
  else if (share > largestGeneratorShare) {
    reasons.push(`the generator used ${percent(share)} of the CPU, more than ${percent(largestGeneratorShare)}`)
  }
  const { nullRecordsPerSecond, recordsPerSecond } = evidence
  if (nullRecordsPerSecond === null) unchecked.push('the null store was not measured')
  else if (nullRecordsPerSecond < leastNullTimes * recordsPerSecond) {
    const times = (nullRecordsPerSecond / recordsPerSecond).toFixed(1)
    reasons.push(`the null store was only ${times} times as fast, not ${leastNullTimes}`)
  }
  return { reasons, unchecked }
}

/** A share as a reader takes it in: '12%', '0.84%'. */
export function percent(share: number): string {
  const value = share * 100
  return `${value >= 10 || value === 0 ? Math.round(value) : value.toPrecision(2)}%`
}
