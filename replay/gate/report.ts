/** What a gate measured, turned into its report. */

import { duration, significant } from '../../results/format.js'
import { decide, type GateDecision, type GateMetric, type GateRule } from '../../results/gate.js'
import { change, changes, type GateReport, type GateRow, sentence } from '../../results/gate-report.js'
import { median } from '../../results/statistics.js'
import { auditFindings } from '../../results/verdict.js'
import type { SideAudit } from './protocol.js'
import type { SideName } from './schedule.js'
import type { GateMeasurement, GatePlan, MeasuredBlock, MeasuredCopy, MeasuredPair } from './session.js'

export interface Judging {
  readonly rule: GateRule
  /** What cannot be told fails too. */
  readonly strict: boolean
}

/** The report with everything that was measured beside it. */
export interface SideBySideReport extends GateReport {
  readonly decision: GateDecision | null
  /** CPU of the builds' own processes for each record, candidate over base; the server's is not in it. */
  readonly cpu: GateDecision | null
  readonly measurement: GateMeasurement
}

const sides = ['base', 'candidate'] as const
const quotedFindings = 5

export function reportOf(plan: GatePlan, measurement: GateMeasurement, { rule, strict }: Judging): SideBySideReport {
  const { copies, rounds, troubles, interrupted, elapsedMs, pairsMs } = measurement
  const decision = decided(copies, rule, (block) => goodness(block, plan.metric))
  const cpu = decided(copies, rule, ({ cpuSeconds, records }) => cpuSeconds / records)
  const pairs = copies.flatMap((copy) => copy.pairs)
  const found = [...troubles, ...findingsOf(plan, copies)]
  const findings = decision === null && !interrupted && found.length === 0 ? [undecided(plan, pairs)] : found
  const rows = decision === null ? [] : [rowOf(plan, measurement, decision, pairs)]
  const [row] = rows
  const said =
    row === undefined
      ? 'nothing was decided'
      : sentence(row, rule.minEffect, { fixedSeconds: (elapsedMs - pairsMs) / rounds / 1000, pairsSeconds: pairsMs / rounds / 1000 })
  return {
    schema: 1,
    mode: 'side by side',
    advice: null,
    status: interrupted
      ? 130
      : findings.length > 0 || (strict && decision?.word === 'cannot tell')
        ? 1
        : decision?.word === 'slower'
          ? 3
          : 0,
    summary: findings.length > 0 ? `${findings.length === 1 ? 'a finding' : `${findings.length} findings`}; ${said}` : said,
    minEffect: rule.minEffect,
    rows,
    findings,
    notes: notesOf(plan, measurement, { decision, cpu }),
    seconds: elapsedMs / 1000,
    decision,
    cpu,
    measurement,
  }
}

/** Why nothing could be decided: a gate that says nothing must not pass. */
function undecided({ metric, builds }: GatePlan, pairs: readonly MeasuredPair[]): string {
  const bad = (side: SideName) => pairs.filter((pair) => !usable(goodness(pair[side], metric))).length
  const counts = sides.flatMap((side) => (bad(side) > 0 ? [`${bad(side)} of ${pairs.length} blocks of ${builds[side].name}`] : []))
  const why = counts.length === 0 ? 'no pair of blocks was measured' : `${counts.join(' and ')} had no ${metric} above zero`
  return `nothing could be decided: ${why}`
}

/** Whether another round could help: nothing was found, and the noise hides what is to be decided. */
export function cannotTell(plan: GatePlan, copies: readonly MeasuredCopy[], rule: GateRule): boolean {
  if (findingsOf(plan, copies).length > 0) return false
  return decided(copies, rule, (block) => goodness(block, plan.metric))?.word === 'cannot tell'
}

function decided(copies: readonly MeasuredCopy[], rule: GateRule, pick: (block: MeasuredBlock) => number): GateDecision | null {
  const values = copies
    .map(({ pairs }) => pairs.map(({ base, candidate }) => [pick(base), pick(candidate)] as const))
    .filter((pairs) => pairs.length > 0)
  return values.length === 0 || !values.flat(2).every(usable) ? null : decide(values, rule)
}

const usable = (value: number): boolean => value > 0 && Number.isFinite(value)

/** The figure of a block, as people know it. */
function figureOf({ recordsPerSecond, p99, cpuSeconds, records }: MeasuredBlock, metric: GateMetric): number {
  return metric === 'throughput' ? recordsPerSecond : metric === 'p99' ? (p99 ?? Number.NaN) : (cpuSeconds * 1e9) / records
}

/** The same, turned so that more is better. */
function goodness(block: MeasuredBlock, metric: GateMetric): number {
  const figure = figureOf(block, metric)
  return metric === 'throughput' ? figure : 1 / figure
}

const metricNames = {
  throughput: { metric: 'throughput', unit: 'records/s' },
  p99: { metric: 'speed at p99', unit: 'ms' },
  cpu: { metric: 'records per CPU time', unit: 'ns/record' },
} as const

function rowOf(plan: GatePlan, { store }: GateMeasurement, decision: GateDecision, pairs: readonly MeasuredPair[]): GateRow {
  const { word, ratio, interval, timesPairs } = decision
  return {
    subject: `${plan.target} on ${store}`,
    ...metricNames[plan.metric],
    base: median(pairs.map(({ base }) => figureOf(base, plan.metric))),
    candidate: median(pairs.map(({ candidate }) => figureOf(candidate, plan.metric))),
    word,
    ratio,
    interval,
    timesPairs,
  }
}

function findingsOf(plan: GatePlan, copies: readonly MeasuredCopy[]): readonly string[] {
  return [...sides.flatMap((side) => findingsOn(side, plan, copies)), ...differencesOf(plan, copies)]
}

function findingsOn(side: SideName, plan: GatePlan, copies: readonly MeasuredCopy[]): readonly string[] {
  return copies.flatMap(({ audits }, i) =>
    audits === null
      ? []
      : [...auditSentences(audits[side]), ...ledgerSentences(audits[side])].map(
          (text) => `${plan.builds[side].name}, copy ${i + 1}: ${text}`,
        ),
  )
}

const many = (count: number): string => count.toLocaleString('en-US')

/** Each side's audit takes its own parser's word for what a record is; the two sides of a copy were offered the same ones. */
function differencesOf({ builds }: GatePlan, copies: readonly MeasuredCopy[]): readonly string[] {
  return copies.flatMap(({ audits }, i) => {
    const [base, candidate] = [audits?.base.audit, audits?.candidate.audit]
    if (!base || !candidate) return []
    if (base.offered !== candidate.offered) {
      const offered = `${many(candidate.offered)} records were offered to ${builds.candidate.name} and ${many(base.offered)} to ${builds.base.name}`
      return [`copy ${i + 1}: ${offered}: what became of them cannot be compared`]
    }
    const differing = (['rejected', 'excluded', 'refused'] as const).filter((fate) => base[fate] !== candidate[fate])
    return differing.map(
      (fate) =>
        `copy ${i + 1}: of the same ${many(base.offered)} records ${builds.candidate.name} has ${many(candidate[fate])} ${fate} and ${builds.base.name} ${many(base[fate])}`,
    )
  })
}

function auditSentences({ audit, findings }: SideAudit): readonly string[] {
  if (audit === null) return []
  const damage = auditFindings(audit)
  if (damage.length === 0) return []
  const first = findings.slice(0, quotedFindings).map(({ kind, position }) => `${kind} at position ${position}`)
  return [
    `the audit found ${damage.map(({ kind, count }) => `${count} ${kind}`).join(', ')}${first.length > 0 ? ` (${first.join('; ')})` : ''}`,
  ]
}

function ledgerSentences({ ledger }: SideAudit): readonly string[] {
  if (ledger === undefined || ledger.settledTwice + ledger.neverOffered === 0) return []
  return [
    `it settled ${many(ledger.settledTwice)} records twice and ${many(ledger.neverOffered)} that were never offered: its figures cannot be believed`,
  ]
}

function notesOf(
  plan: GatePlan,
  { facts, copies, rounds, durability, blockRecords, elapsedMs, store }: GateMeasurement,
  { decision, cpu }: { readonly decision: GateDecision | null; readonly cpu: GateDecision | null },
): readonly string[] {
  const percent = (value: number) => (Number.isFinite(value) ? `${significant(100 * value, 2)}%` : 'unknown')
  const audited = copies.every(({ audits }) => audits !== null && audits.base.audit !== null && audits.candidate.audit !== null)
  const { base, candidate } = plan.builds
  const of = ({ weir: { version, build } }: GateMeasurement['facts']['base']) => `${version} ${build.slice(0, 8)}`
  return [
    `${base.name} is ${of(facts.base)}, ${candidate.name} is ${of(facts.candidate)}; durability ${durability}`,
    ...(decision === null
      ? []
      : [
          `${decision.pairs} pairs of blocks of ${blockRecords.toLocaleString('en-US')} records by ${decision.copies} copies of each build${rounds > 1 ? ` in ${rounds} rounds, since the noise hid it before` : ''}, ${duration(elapsedMs / 1000)}; noise of a pair ${percent(decision.pairNoise)}, of a copy ${percent(decision.copyNoise)}`,
        ]),
    ...(cpu === null ? [] : [`CPU of the build for each record: ${change(cpu.ratio)} ${changes(cpu.interval)}`]),
    ...(audited && copies.length > 0
      ? [
          `every copy of both sides was audited, record by record${differencesOf(plan, copies).length === 0 ? ', and the same became of the records on both' : ''}`,
        ]
      : []),
    ...sides
      .filter((side) => copies.some(({ audits }) => audits !== null && audits[side].ledger === undefined))
      .map((side) => `${plan.builds[side].name} is too old to say whether it settled records twice`),
    ...(store === 'null'
      ? []
      : [`both wrote to one ${store} server with the same settings: what a build sets on a server of its own is not compared`]),
  ]
}
