/** A gate on results that were made before, on both sides: the comparison of their runs, turned into one word and a status. */
import { type Comparison, isLatency, type Key, type Metric, type Row, type Side, storeOf } from './compare.js'
import { rate } from './format.js'
import { type GateMetric, type GateRule, type GateWord, wordFor } from './gate.js'
import { change, changes, type GateReport, type GateRow, sentence } from './gate-report.js'
import type { Audit, Interval, Result, Run } from './result.js'
import { auditFindings, wasOverloaded } from './verdict.js'

/** Of several rows the gate's word is the first of these that any has. */
export const worstFirst: readonly GateWord[] = ['slower', 'cannot tell', 'no regression shown', 'faster']

const named: Readonly<Record<GateMetric, Pick<GateRow, 'metric' | 'unit'>>> = {
  throughput: { metric: 'throughput', unit: 'records/s' },
  p99: { metric: 'speed at p99', unit: 'ms' },
  cpu: { metric: 'records per CPU time', unit: 'records/s per core' },
}

/**
 * Decides on what lies in two sets of results, the candidate's being B of the comparison. Runs are the unit, so that what
 * differs from session to session is in the interval. A regression needs both: an interval wholly on the slow side, and an
 * estimate beyond the least effect.
 */
export function gateOnResults(
  comparison: Comparison,
  metric: GateMetric,
  { sides, rule, strict, findings, seconds }: Circumstances,
): Omit<GateReport, 'status'> & { readonly status: 0 | 1 | 3 } {
  // Figures of runs that lost records are no figures.
  const rows = findings.length > 0 ? [] : comparison.rows.filter((row) => row.metric === metric)
  const decided = rows.map((row) => rowOf(row, metric, rule, overloadOf(sides, row)))
  const words = decided.map(({ word }) => word)
  const worst = worstFirst.find((word) => words.includes(word)) ?? 'cannot tell'
  const advice = [...new Set(rows.flatMap((row) => row.advice))]
  return {
    schema: 1,
    mode: 'stored results',
    advice: advice.length === 0 ? null : advice.join(', '),
    status: findings.length > 0 || (strict && worst === 'cannot tell') ? 1 : worst === 'slower' ? 3 : 0,
    summary: findings.length > 0 ? 'the results have findings' : decided.map((row) => sentence(row, rule.minEffect, null)).join('; '),
    minEffect: rule.minEffect,
    rows: decided,
    findings,
    notes: findings.length > 0 ? [] : notesOf(comparison, rows),
    seconds,
  }
}

export interface Circumstances {
  /** Those of the comparison. */
  readonly sides: readonly [base: Side, candidate: Side]
  readonly rule: GateRule
  readonly strict: boolean
  /** Of the audits of both sides, a sentence each. */
  readonly findings: readonly string[]
  readonly seconds: number
}

/** What is wrong with a result, a sentence each: with its runs, and with the row-at-a-time baseline measured beside them. */
export function findingsIn({ runs, baseline }: Pick<Result, 'runs' | 'baseline'>): readonly string[] {
  const damage = damageIn([baseline.audit ?? null])
  return [...runs.flatMap(findingsOf), ...(damage.length > 0 ? [`the row-at-a-time baseline: ${found(damage)}`] : [])]
}

/** What is wrong with a run, a sentence each: what its audits found, what else makes it unsound, and why it failed. */
export function findingsOf({ target, store, verdict, reasons = [], error, audit, latencyLeg }: Run): readonly string[] {
  const damage = damageIn([audit, latencyLeg?.audit ?? null])
  const subject = `${target} on ${store}`
  // The verdict's reasons name the damage too, each kind for itself; audits beside the two legs are in them alone.
  const others = reasons.filter((reason) => !damage.some((one) => reason === found([one])))
  return [
    ...(damage.length > 0 ? [`${subject}: ${found(damage)}`] : []),
    ...(verdict === 'unsound' && (others.length > 0 || damage.length === 0)
      ? [`${subject} is unsound: ${others.join('; ') || 'no reason given'}`]
      : []),
    ...(verdict === 'failed' ? [`${subject} failed: ${error?.message ?? reasons[0] ?? 'no reason given'}`] : []),
  ]
}

type Damage = ReturnType<typeof auditFindings>

function damageIn(audits: readonly (Audit | null)[]): Damage {
  return audits.filter((audit) => audit !== null).flatMap(auditFindings)
}

function found(damage: Damage): string {
  return `the audit found ${damage.map(({ kind, count }) => `${count.toLocaleString('en-US')} ${kind}`).join(', ')}`
}

/** In a gate below 1 is worse, whatever the metric. */
function rowOf(row: Row, metric: GateMetric, { minEffect }: GateRule, overload: string | undefined): GateRow {
  const turned = turn(row)
  // Runs and blocks of one session say nothing of what another one would have shown.
  const independent = row.unit === 'documents'
  const word =
    overload !== undefined ? 'slower' : turned === null || !independent ? 'cannot tell' : wordFor(turned.ratio, turned.interval, minEffect)
  return {
    subject: `${row.target} on ${row.store}, ${row.scenario}`,
    ...named[metric],
    base: row.a.value,
    candidate: row.b.value,
    ratio: turned?.ratio ?? null,
    interval: (independent && turned?.interval) || null,
    word,
    ...(overload === undefined ? {} : { shownBy: overload }),
    need: independent ? (row.because ?? 'more results a side') : 'two results a side at the least',
    timesPairs: null,
  }
}

/**
 * Latencies of a growing queue are no figures, and that a queue grows where none did is worse than any. At a rate that was given,
 * which is the same on both sides or they are not compared at all, it is shown by a candidate that was overloaded in most of
 * its results and a base that was in none; two results a side are the least here too. A rate that each run took from its own
 * full speed shows nothing.
 */
function overloadOf([base, candidate]: Circumstances['sides'], row: Row): string | undefined {
  if (!isLatency(row.metric)) return undefined
  const [before, after] = [loadsOf(base, row), loadsOf(candidate, row)]
  if (Math.min(before.length, after.length) < 2 || ![...before, ...after].every(({ given }) => given)) return undefined
  const [was, is] = [before, after].map((loads) => loads.filter(({ overloaded }) => overloaded).length) as [number, number]
  if (was > 0 || is <= after.length / 2) return undefined
  const asked = rate(Math.max(...after.map((load) => load.rate)))
  return `at ${asked}/s the candidate was overloaded in ${is} of ${after.length} results, the base in none of ${before.length}`
}

interface Load {
  /** Records per second; asked for, if `given`. */
  readonly rate: number
  readonly given: boolean
  /** In most of the result's repetitions. */
  readonly overloaded: boolean
}

/** The latency legs of a side, one for each result that has such. */
function loadsOf({ results }: Side, { target, store, scenario }: Key): readonly Load[] {
  return results.flatMap(({ result: { runs } }) => {
    const own = runs.filter((run) => run.target === target && run.scenario === scenario && storeOf(run, runs) === store)
    const legs = own.flatMap(({ latency, latencyLeg, verdict }) =>
      latency === null || verdict === 'interrupted'
        ? []
        : [{ rate: latency.rate, given: (latencyLeg?.share ?? null) === null, overloaded: wasOverloaded({ verdict, latencyLeg }) }],
    )
    const [first] = legs
    if (first === undefined) return []
    const overloaded = legs.filter((leg) => leg.overloaded).length > legs.length / 2
    return [{ rate: first.rate, given: legs.every(({ given }) => given), overloaded }]
  })
}

function turn({ metric, ratio, interval }: Row): { readonly ratio: number; readonly interval: Interval | null } | null {
  if (ratio === null) return null
  if (!isLatency(metric)) return { ratio, interval }
  return { ratio: 1 / ratio, interval: interval && { ...interval, low: 1 / interval.high, high: 1 / interval.low } }
}

function notesOf({ a, b, leftOut, onlyInA, onlyInB, environment, rows: all }: Comparison, rows: readonly Row[]): readonly string[] {
  const results = (count: number) => `${count} ${count === 1 ? 'result' : 'results'}`
  const keys = (some: Comparison['onlyInA']) => some.map(({ target, store, scenario }) => `${target} on ${store}, ${scenario}`).join('; ')
  const others = all.filter(({ metric, ratio }) => ratio !== null && !rows.some((row) => row.metric === metric))
  return [
    `nothing was measured now: ${results(a.files.length)} of the base, ${b.files.length} of the candidate; made in turns on one machine they say most`,
    ...(others.length > 0 ? [`not decided on: ${others.map(inBrief).join('; ')}`] : []),
    ...environment.map(
      ({ field, a: was, b: is }) => `another environment: ${field} was ${JSON.stringify(was)} and is ${JSON.stringify(is)}`,
    ),
    ...(onlyInA.length > 0 ? [`only in the base: ${keys(onlyInA)}`] : []),
    ...(onlyInB.length > 0 ? [`only in the candidate: ${keys(onlyInB)}`] : []),
    ...leftOut.map(({ target, file, reason }) => `left out: ${target} in ${file}: ${reason}`),
  ]
}

const brief: Readonly<Record<Metric, string>> = { throughput: 'records/s', p50: 'p50', p99: 'p99', cpu: 'records/s per core' }

function inBrief({ metric, ratio, interval }: Row): string {
  return `${brief[metric]} ${change(ratio ?? Number.NaN)} ${changes(interval)}`
}
