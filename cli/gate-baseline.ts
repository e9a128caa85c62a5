/** The gate's second way: a run like that of a stored result, here and now, and both by what their machines could do. */
import { resolve } from 'node:path'
import type { Plan, PlannedStore } from '../replay/plan.js'
import { InterruptedError, runSession } from '../replay/session.js'
import { addAudits } from '../results/add-audits.js'
import { compare, storeOf } from '../results/compare.js'
import { type GateReport, sayGate } from '../results/gate.js'
import { judgeBaseline } from '../results/gate-baseline.js'
import { auditWord } from '../results/gate-report.js'
import { ResultReadError, readResult } from '../results/read.js'
import { secretsOf } from '../results/redact.js'
import type { Result, Run } from '../results/result.js'
import { auditFindings } from '../results/verdict.js'
import { writeResult } from '../results/write.js'
import type { TargetModule } from '../targets/target.js'
import type { Context } from './command.js'
import { Interrupted, RunFailed, UsageError } from './errors.js'
import { progressLine } from './progress.js'

interface Wanted {
  readonly store: PlannedStore | undefined
  readonly target: readonly TargetModule[] | undefined
  readonly minEffect: number
}

/** @throws UsageError when the two may not be compared, naming each difference */
export async function againstBaseline(path: string, wanted: Wanted, { cwd, signal, progress, notice }: Context): Promise<GateReport> {
  const begin = performance.now()
  const { result: base } = await readResult(resolve(cwd, path)).catch((error: unknown) => {
    throw error instanceof ResultReadError ? new UsageError(error.message) : error
  })
  const was = chosen(base, wanted, path)
  const plan = planLike(base, was, wanted, cwd)
  const now = await runSession(plan, {
    signal,
    onProgress: (state) => progress(progressLine(state, performance.now() - begin), state.label),
    onNotice: notice,
  }).catch((error: unknown) => {
    throw error instanceof InterruptedError ? new Interrupted(error.message) : error
  })
  await writeResult(
    now,
    plan.out,
    plan.stores.flatMap(({ url }) => secretsOf(url)),
  )
  const is = now.runs.find(({ target }) => target === was.target)
  if (is === undefined || is.verdict === 'interrupted') throw new Interrupted('interrupted before it could be compared')
  if (is.verdict === 'failed') throw new RunFailed(`${is.target} failed: ${is.error?.message ?? is.reasons?.[0] ?? 'no reason given'}`)
  return report({ base, was, now, is, path, minEffect: wanted.minEffect, elapsedSeconds: (performance.now() - begin) / 1000 })
}

/** The run of the baseline that is gated. */
function chosen({ runs }: Result, { store, target }: Wanted, path: string): Run {
  if (target !== undefined && target.length > 1) throw new UsageError('a gate decides on one target: name one with -t')
  const fitting = runs.filter(
    (run) =>
      (target === undefined || run.target === target[0]?.name) && (store === undefined || storeOf(run, runs).split(' ')[0] === store.name),
  )
  const names = (list: readonly Run[]) => list.map((run) => `${run.target} on ${run.store}`).join(', ')
  const [run, another] = fitting
  if (run === undefined) throw new UsageError(`${path} has no such run; it has ${names(runs)}`)
  if (another !== undefined) throw new UsageError(`${path} has several runs (${names(fitting)}): say which with -t and --store`)
  return run
}

/** A plan that asks for what the baseline's was asked for, of one target on one store. */
function planLike({ configuration }: Result, run: Run, { store }: Wanted, cwd: string): Plan {
  const { targets, stores, ...rest } = configuration as unknown as Plan
  if (rest.input !== null) throw new UsageError('the baseline replayed a file; a gate compares generated streams')
  const planned = targets?.find(({ name }) => name === run.target)
  const place = store ?? stores?.find(({ name }) => name === run.store.split(' ')[0])
  if (planned === undefined || place === undefined)
    throw new UsageError('the baseline does not say how it was configured: make it anew with this version of Weir')
  if (place.url !== '' && store === undefined)
    throw new UsageError('the baseline was measured on a server that was given: name one with --store URL')
  return {
    ...rest,
    targets: [planned],
    targetsNamed: true,
    stores: [place],
    repetitions: 1,
    until: null,
    analyticsRate: null,
    keep: false,
    label: null,
    dataDirectory: null,
    exportRejects: null,
    out: resolve(cwd, 'results/runs'),
  }
}

interface Measured {
  readonly base: Result
  readonly was: Run
  readonly now: Result
  readonly is: Run
  readonly path: string
  readonly minEffect: number
  readonly elapsedSeconds: number
}

function report({ base, was, now, is, path, minEffect, elapsedSeconds }: Measured): GateReport {
  const only = (result: Result, run: Run) => ({ ...result, runs: [run] })
  const compared = compare(
    { name: path, results: [{ file: path, result: only(base, was) }] },
    { name: 'this build', results: [{ file: 'this build', result: only(now, is) }] },
    minEffect,
  )
  const audit = addAudits([is.audit, is.latencyLeg?.audit ?? null])
  const unsound = audit !== null && (auditFindings(audit).length > 0 || audit.failed > 0)
  if (compared.refusals.length > 0 && !unsound) {
    const list = compared.refusals.map(({ field, a, b }) => `${field}: ${JSON.stringify(a)} there, ${JSON.stringify(b)} here`)
    throw new UsageError(`${path} cannot be compared with: ${list.join('; ')}`)
  }
  const judgement = judgeBaseline({ result: base, run: was }, { result: now, run: is }, minEffect)
  const { byYardstick, ...rest } = judgement
  const environment = compared.environment.map(({ field, a, b }) => `${field} was ${JSON.stringify(a)}, is ${JSON.stringify(b)}`)
  const spoken = byYardstick.map(({ yardstick, ratio, interval }) => {
    const spread = interval === null ? '' : ` [${interval.low.toFixed(3)}, ${interval.high.toFixed(3)}]`
    return `by the ${yardstick} ${ratio.toFixed(3)}${spread}`
  })
  return {
    schema: 1,
    kind: 'gate',
    mode: 'stored baseline',
    createdAt: now.createdAt,
    ...rest,
    decision: unsound ? 'unsound' : judgement.decision,
    sentence: unsound
      ? `unsound: the audit of the candidate found ${auditWord(audit)}`
      : `advice: ${sayGate(judgement, 'throughput', minEffect)}`,
    metric: 'throughput',
    minEffect,
    target: is.target,
    store: is.store,
    storeVersion: is.storeFacts?.version ?? 'unknown',
    durability: is.durability,
    image: is.image ?? 'rows',
    records: is.records,
    base: { build: base.weir, origin: path, audit: was.audit, findings: [] },
    candidate: { build: now.weir, origin: 'this build', audit, findings: [] },
    pairs: [],
    elapsedSeconds,
    remarks: [
      `Against a stored baseline each throughput is taken as a ratio to what its own session measured of its machine: ${spoken.join(', ')}. Fails only when both say so; two builds side by side (--against) are to be trusted more.`,
      ...(environment.length > 0 ? [`The environment differs: ${environment.join('; ')}.`] : []),
    ],
  }
}
