/** A gate against a stored result: the same session again, here and now, and its ratios to this machine's own yardsticks. */
import { storeOf } from '../../results/compare.js'
import { outcomeDifferences, workloadDifferences } from '../../results/differences.js'
import { significant } from '../../results/format.js'
import type { GateRule } from '../../results/gate.js'
import { type BaselineDecision, decideByRatio } from '../../results/gate-baseline.js'
import type { GateReport, GateRow } from '../../results/gate-report.js'
import { findingsIn, worstFirst } from '../../results/gate-stored.js'
import type { Result, Run } from '../../results/result.js'
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
 * @throws GateRefusedError when it cannot be: k6 drove it, it is unsound or unfinished, a file was replayed, its servers were given by URL, or
 * nothing would be measured but the null store
 */
export function planAgain(stored: Result, { stores, out }: BaselinePlan): Plan {
  const { configuration, runs } = stored
  // Its rate was given, so that a slower build shows in latency alone; and nothing was measured beside it that a machine is known by.
  const driven = runs.find(({ k6 }) => k6 !== undefined)
  if (driven !== undefined) throw new GateRefusedError(refusalOfK6(driven.scenario.replace('k6/', '')))
  const damage = findingsIn(stored)
  if (damage.length > 0) throw new GateRefusedError(`the baseline cannot be believed, make another one: ${damage.join('; ')}`)
  if (runs.every(({ store }) => store === nullStore) || stores?.every(({ name }) => name === nullStore)) {
    throw new GateRefusedError(
      'on the null store alone nothing can be compared with a baseline: the null store is the yardstick, and would be measured by itself; weir gate --against measures both builds on it',
    )
  }
  if (repetitionsOf(stored).size === 0) throw new GateRefusedError('the baseline has no run that came to its end')
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
  const decided = pairsOf(stored, here).map((pair) => ({
    subject: subjectOf(pair.candidate[0]),
    decision: decideByRatio({ runs: pair.base, result: stored }, { runs: pair.candidate, result: here }, rule),
  }))
  const findings = findingsIn(here)
  const words = decided.map(({ decision }) => decision.word)
  const worst = worstFirst.find((word) => words.includes(word)) ?? 'cannot tell'
  const interrupted = here.runs.some(({ verdict }) => verdict === 'interrupted')
  return {
    schema: 1,
    mode: 'stored baseline',
    advice: 'against a stored baseline, by ratio',
    status: interrupted ? 130 : findings.length > 0 || (rule.strict && worst === 'cannot tell') ? 1 : worst === 'slower' ? 3 : 0,
    summary: decided.map(({ subject, decision }) => `${subject}: ${decision.word}${whyNot(decision)}`).join('; '),
    minEffect: rule.minEffect,
    rows: decided.flatMap(({ subject, decision }) => rowsOf(subject, decision)),
    findings,
    notes: [
      'advice: machines differ in more than the two yardsticks measure; weir gate --against measures both builds here',
      'slower counts only where both yardsticks say so: the null store (processor, memory) and the row-at-a-time baseline (commits)',
      'what the two builds share with their yardsticks does not show: a slower kernel slows the null store too; weir gate --against sees it',
      ...(here.runs.some(({ store }) => store === nullStore)
        ? ['not decided on: what ran on the null store, which is the yardstick itself']
        : []),
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

function whyNot({ word, rows }: BaselineDecision): string {
  if (word !== 'cannot tell') return ''
  const [only, second] = rows
  if (only === undefined) return ', no yardstick was measured on both sides'
  if (second === undefined) return `, the ${only.yardstick} is the only yardstick, and one alone decides nothing`
  return ', the yardsticks do not agree or the intervals are too wide'
}

/** All repetitions of a target on a store, in the stored session and here. */
interface Pair {
  readonly base: Repetitions
  readonly candidate: Repetitions
}

type Repetitions = readonly [Run, ...Run[]]

const nullStore = 'null'

function pairsOf(stored: Result, here: Result): readonly Pair[] {
  const bases = repetitionsOf(stored)
  const pairs = [...repetitionsOf(here)].flatMap(([key, candidate]) => {
    const base = bases.get(key)
    return base === undefined ? [] : [{ base, candidate }]
  })
  for (const { base, candidate } of pairs) {
    const first = { run: base[0], result: stored }
    const others = [...base.slice(1).map((run) => ({ run, result: stored })), ...candidate.map((run) => ({ run, result: here }))]
    // Damage here is a finding, not a reason to compare nothing.
    const differences = others.flatMap((other) => [
      ...workloadDifferences(first, other),
      ...outcomeDifferences(first, other).filter(({ field }) => field !== 'audit'),
    ])
    const said = differences.map(({ field, a: was, b: is }) => `${field} was ${JSON.stringify(was)} and is ${JSON.stringify(is)}`)
    if (said.length > 0)
      throw new GateRefusedError(`${base[0].target} may not be compared with its baseline: ${[...new Set(said)].join('; ')}`)
  }
  if (pairs.length === 0 && here.runs.every(({ verdict }) => verdict !== 'failed' && verdict !== 'interrupted')) {
    throw new GateRefusedError('the baseline has no target and store that were measured here')
  }
  return pairs
}

/** The runs that have figures of their own, by target, store and scenario. */
function repetitionsOf({ runs }: Result): ReadonlyMap<string, Repetitions> {
  const groups = new Map<string, [Run, ...Run[]]>()
  for (const run of runs) {
    if (run.store === nullStore || run.verdict === 'failed' || run.verdict === 'interrupted') continue
    const key = JSON.stringify([run.target, storeOf(run, runs), run.scenario])
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [run])
    else group.push(run)
  }
  return groups
}

function rowsOf(subject: string, { rows, word }: BaselineDecision): readonly GateRow[] {
  return rows.map(({ yardstick, base, candidate: now, ratio, interval }) => ({
    subject,
    metric: `throughput over ${yardstick}`,
    base,
    candidate: now,
    unit: 'of the yardsticks',
    ratio,
    interval,
    word,
    timesPairs: null,
    need: rows.length === 1 ? 'one yardstick alone decides nothing' : 'a longer baseline, or one of this machine',
  }))
}

function subjectOf({ target, store }: Run): string {
  return `${target} on ${store}`
}
