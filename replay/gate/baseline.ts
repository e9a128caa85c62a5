/** A gate against a stored result: the same session again, here and now, and its ratios to this machine's own yardsticks. */
import { outcomeDifferences, workloadDifferences } from '../../results/differences.js'
import { significant } from '../../results/format.js'
import type { GateRule } from '../../results/gate.js'
import { type BaselineDecision, decideByRatio } from '../../results/gate-baseline.js'
import type { GateReport, GateRow } from '../../results/gate-report.js'
import { findingsOf, worstFirst } from '../../results/gate-stored.js'
import type { Result, Run } from '../../results/result.js'
import { auditFindings } from '../../results/verdict.js'
import type { Plan, PlannedStore } from '../plan.js'
import { GateRefusedError } from './side-process.js'

/** What a user may say differently from the stored session. */
export interface BaselinePlan {
  /** Null: the embedded stores that the stored session had. */
  readonly stores: readonly PlannedStore[] | null
  /** Where the result goes: an absolute path. */
  readonly out: string
}

/**
 * The stored session's own plan, to be run again.
 * @throws GateRefusedError when it cannot be: k6 drove it, a file was replayed, or its servers were given by URL
 */
export function planAgain({ configuration, runs }: Result, { stores, out }: BaselinePlan): Plan {
  // Its rate was given, so that a slower build shows in latency alone; and nothing was measured beside it that a machine is known by.
  const driven = runs.find(({ k6 }) => k6 !== undefined)
  if (driven !== undefined) throw new GateRefusedError(refusalOfK6(driven.scenario.replace('k6/', '')))
  if (configuration['input'] !== null) {
    throw new GateRefusedError('the baseline replayed a file, which a result does not hold; make a baseline from a generated stream')
  }
  const plan = configuration as unknown as Plan
  if (!Array.isArray(plan.stores) || !Array.isArray(plan.targets)) {
    throw new GateRefusedError(
      'the baseline does not say which targets and stores it measured; make it anew with this weir: weir run --json',
    )
  }
  if (stores === null && plan.stores.some(({ url }) => url !== '')) {
    throw new GateRefusedError("the baseline was measured on a server given by its URL; name this machine's with --store")
  }
  return { ...plan, stores: stores ?? plan.stores, input: null, dataDirectory: null, exportRejects: null, keep: false, label: null, out }
}

function refusalOfK6(script: string): string {
  return [
    `the baseline is a result of weir k6 ${script}, which was asked for a rate and has no yardstick of its machine: one run there and one here show no regression`,
    `run weir k6 ${script} several times with each build on this machine, in turns, and weir gate --baseline 'before/*.json' --candidate 'after/*.json'`,
    `or set a limit: weir k6 ${script} --p99 1s ends with status 1 above it`,
  ].join('; ')
}

/** The report of a stored result and of the same session here. @throws GateRefusedError when nothing in it may be compared */
export function reportOnBaseline(
  stored: Result,
  here: Result,
  rule: GateRule & { readonly strict: boolean; readonly seconds: number },
): GateReport {
  const pairs = pairsOf(stored, here)
  const decided = pairs.map((pair) => ({
    ...pair,
    decision: decideByRatio({ run: pair.base, result: stored }, { run: pair.candidate, result: here }, rule),
  }))
  const findings = here.runs.flatMap(findingsOf)
  const words = decided.map(({ decision }) => decision.word)
  const worst = worstFirst.find((word) => words.includes(word)) ?? 'cannot tell'
  const rows = decided.flatMap(({ candidate, decision }) => rowsOf(candidate, decision))
  const interrupted = here.runs.some(({ verdict }) => verdict === 'interrupted')
  return {
    schema: 1,
    mode: 'stored baseline',
    advice: 'against a stored baseline, by ratio',
    status: interrupted ? 130 : findings.length > 0 || (rule.strict && worst === 'cannot tell') ? 1 : worst === 'slower' ? 3 : 0,
    summary: decided
      .map(
        ({ candidate, decision }) =>
          `${subjectOf(candidate)}: ${decision.word}${decision.word === 'cannot tell' ? ', the yardsticks do not agree or the intervals are too wide' : ''}`,
      )
      .join('; '),
    minEffect: rule.minEffect,
    rows,
    findings,
    notes: [
      'advice: machines differ in more than the two yardsticks measure; weir gate --against measures both builds here',
      'slower counts only where both yardsticks say so: the null store (processor, memory) and the row-at-a-time baseline (commits)',
      ...(worst === 'cannot tell' ? ['a longer baseline has narrower intervals: weir run --json with a larger -n, or with --runs'] : []),
      `the stored one was measured on ${stored.machine.cores} x ${stored.machine.cpuModel}, this one on ${here.machine.cores} x ${here.machine.cpuModel}`,
      ...(stored.calibration.nullRecordsPerSecond && here.calibration.nullRecordsPerSecond
        ? [
            `this machine's null store takes ${significant(here.calibration.nullRecordsPerSecond / stored.calibration.nullRecordsPerSecond, 3)} times what the stored one took`,
          ]
        : []),
    ],
    seconds: rule.seconds,
  }
}

interface Pair {
  readonly base: Run
  readonly candidate: Run
}

const kindOf = ({ store }: Run) => store.split(' ')[0] ?? store

function pairsOf(stored: Result, here: Result): readonly Pair[] {
  const pairs = here.runs.flatMap((candidate) => {
    const base = stored.runs.find(
      (run) => run.target === candidate.target && kindOf(run) === kindOf(candidate) && run.scenario === candidate.scenario,
    )
    return base === undefined || candidate.verdict === 'failed' || candidate.verdict === 'interrupted' ? [] : [{ base, candidate }]
  })
  for (const { base, candidate } of pairs) {
    const [a, b] = [
      { run: base, result: stored },
      { run: candidate, result: here },
    ]
    const damaged =
      base.audit !== null && auditFindings(base.audit).length > 0
        ? [`the baseline of ${base.target} is unsound: its audit found damage`]
        : []
    // Damage here is a finding, not a reason to compare nothing.
    const differences = [...workloadDifferences(a, b), ...outcomeDifferences(a, b).filter(({ field }) => field !== 'audit')]
    const said = differences.map(({ field, a: was, b: is }) => `${field} was ${JSON.stringify(was)} and is ${JSON.stringify(is)}`)
    if (damaged.length + said.length > 0)
      throw new GateRefusedError(`${base.target} may not be compared with its baseline: ${[...damaged, ...said].join('; ')}`)
  }
  if (pairs.length === 0 && here.runs.every(({ verdict }) => verdict !== 'failed' && verdict !== 'interrupted')) {
    throw new GateRefusedError('the baseline has no target and store that were measured here')
  }
  return pairs
}

function rowsOf(candidate: Run, { rows, word }: BaselineDecision): readonly GateRow[] {
  return rows.map(({ yardstick, base, candidate: now, ratio, interval }) => ({
    subject: subjectOf(candidate),
    metric: `throughput over ${yardstick}`,
    base,
    candidate: now,
    unit: 'of the yardsticks',
    ratio,
    interval,
    word,
    timesPairs: null,
    need: 'a longer baseline, or one of this machine',
  }))
}

function subjectOf({ target, store }: Run): string {
  return `${target} on ${store}`
}
