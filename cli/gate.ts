/** weir gate: says in CI whether a build has become slower, and fails only when that was shown. */
import { appendFile, writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { profileNamed as profileOf } from '../generators/profiles.js'
import { planAgain, reportOnBaseline } from '../replay/gate/baseline.js'
import { BuildError, openBase, ownBuild } from '../replay/gate/builds.js'
import { cannotTell, reportOf } from '../replay/gate/report.js'
import { type GatePlan, runGate } from '../replay/gate/session.js'
import { GateRefusedError } from '../replay/gate/side-process.js'
import { runDurabilities } from '../replay/plan.js'
import { InterruptedError, type Progress, runSession, UnsupportedError } from '../replay/session.js'
import { compare } from '../results/compare.js'
import { renderRefusals } from '../results/compare-table.js'
import { defaultRule, gateMetrics } from '../results/gate.js'
import { type GateReport, gateJunit, gateMarkdown, renderGate } from '../results/gate-report.js'
import { findingsIn, gateOnResults } from '../results/gate-stored.js'
import { ResultReadError, readResult } from '../results/read.js'
import { redactDeep, secretsOf } from '../results/redact.js'
import { defaultFolder } from '../results/write.js'
import { partitionKeys } from '../stores/store.js'
import { profileNamed, storeNamed, targets, targetsNamed, wordOf } from './catalogue.js'
import { type Context, defineCommand, toggle, type Values, value } from './command.js'
import { Destinations, refuseUnwritableFile } from './destinations.js'
import { Interrupted, RunFailed, UsageError } from './errors.js'
import { progressLine } from './progress.js'
import { parseDuration, parsePositiveCount, parseSeed, parseShare } from './quantities.js'
import { refuseGiven } from './refusals.js'
import { refuseEmpty, sidesNamed } from './results-named.js'
import { defaultPartitions } from './scenario-options.js'
import type { Settings } from './settings.js'
import { planTargets, targetFlags } from './target-options.js'

const defaultBudgetMs = 60_000
const defaultBlockMs = 250
const defaultCopies = 4
const defaultRounds = 3

const options = {
  against: value({ placeholder: 'BASE', summary: 'folder of another build, or a git ref to build', parse: (text) => text }),
  baseline: value({ placeholder: 'FILE', summary: 'or a stored result of weir run --json: advice, by ratio', parse: (text) => text }),
  candidate: value({ placeholder: 'FILE', summary: "with --baseline: stored too, 'before/*.json' 'after/*.json'", parse: (text) => text }),
  target: value({ alias: 't', placeholder: 'NAME', summary: 'architecture to measure (single-thread)', parse: targetsNamed }),
  store: value({ alias: 's', placeholder: 'STORE', summary: 'postgres, clickhouse, null or a URL (postgres)', parse: storeNamed }),
  'min-effect': value({ placeholder: 'SHARE', summary: 'the smallest slowdown that matters (5%)', parse: parseShare }),
  budget: value({ placeholder: 'TIME', summary: 'how long a round may take (60s)', parse: parseDuration }),
  rounds: value({ placeholder: 'N', summary: 'at the most, while the noise does not let it tell (3)', parse: parsePositiveCount }),
  strict: toggle({ summary: 'fail (1) too when the noise does not let it tell' }),
  junit: value({ placeholder: 'FILE', summary: 'write the outcome as JUnit XML', parse: (text) => text }),
  json: toggle({ summary: 'print the outcome as one JSON document' }),
  out: value({ placeholder: 'DIR', summary: 'where labels are looked for (results/runs)', rare: true, parse: (text) => text }),
  metric: value({
    placeholder: 'NAME',
    summary: 'throughput, p99 (at half of full speed) or cpu (throughput; of weir k6: cpu)',
    rare: true,
    parse: wordOf('metric', gateMetrics),
  }),
  copies: value({ placeholder: 'N', summary: 'processes of each build in a round (4)', rare: true, parse: parsePositiveCount }),
  pairs: value({ placeholder: 'N', summary: 'pairs of blocks for each copy (as many as fit)', rare: true, parse: parsePositiveCount }),
  block: value({ placeholder: 'TIME', summary: 'about as long is a block (250ms)', rare: true, parse: parseDuration }),
  profile: value({ placeholder: 'NAME', summary: 'what the generated stream looks like (web)', rare: true, parse: profileNamed }),
  seed: value({ placeholder: 'N', summary: 'another stream of the same profile (1)', rare: true, parse: parseSeed }),
  'partition-key': value({
    placeholder: 'COLUMN',
    summary: 'id, address, user or path (id)',
    rare: true,
    parse: wordOf('partition key', partitionKeys),
  }),
  partitions: value({ placeholder: 'N', summary: 'hash partitions of each month (4)', rare: true, parse: parsePositiveCount }),
  durability: value({
    placeholder: 'WHAT',
    summary: 'what a stored record survives, embedded: power or process (power)',
    rare: true,
    parse: wordOf('durability', runDurabilities),
  }),
}

export const gate = defineCommand({
  name: 'gate',
  summary: 'Fails when this build is slower than another one, side by side.',
  options,
  positionals: [],
  targetOptions: true,
  examples: [
    'weir gate --against main',
    'weir gate --against ../weir-before -t worker-pool --junit gate.xml',
    'weir gate --baseline main.json',
    "weir gate --baseline 'before/*.json' --candidate 'after/*.json'",
  ],

  async handler(values, context) {
    const junit = values.junit === undefined ? undefined : resolve(context.cwd, values.junit)
    if (junit !== undefined) refuseUnwritableFile(junit, '--junit')
    const report = await measure(values, context)
    const destinations = new Destinations(context.notice)
    const leave = (file: string, writing: Promise<void>) =>
      writing.catch((error: Error) => destinations.miss(`${file} could not be written: ${error.message}`))
    if (junit !== undefined) await leave(junit, writeFile(junit, gateJunit(report)))
    const summaryFile = process.env['GITHUB_STEP_SUMMARY']
    if (summaryFile) await leave(summaryFile, appendFile(summaryFile, gateMarkdown(report)))
    const output = values.json ? `${JSON.stringify(report, null, 2)}\n` : renderGate(report, context.display)
    return { status: destinations.status(report.status), output }
  },
})

type GateValues = Values<typeof options>

async function measure(values: GateValues, context: Context): Promise<GateReport> {
  const { candidate, store } = values
  const { against, baseline } = standing(values, context.settings)
  if ((against === undefined) === (baseline === undefined)) {
    throw new UsageError('say what to measure against: --against BASE (a folder with another build, or a git ref), or --baseline FILE')
  }
  if (candidate !== undefined) {
    if (baseline === undefined) throw new UsageError('--candidate names results that were made before: it goes with --baseline')
    return await onResults(values, [baseline, candidate], context)
  }
  try {
    const report = against === undefined ? await onBaseline(values, baseline ?? '', context) : await sideBySide(values, against, context)
    return redactDeep(report, secretsOf(store?.url ?? ''))
  } catch (error) {
    if (context.signal.aborted || error instanceof InterruptedError) throw new Interrupted()
    const usage = [GateRefusedError, BuildError, ResultReadError, UnsupportedError].some((kind) => error instanceof kind)
    if (usage) throw new UsageError((error as Error).message)
    throw error
  }
}

/** What to measure against: of a flag and a variable the flag. */
function standing({ against, baseline }: GateValues, settings: Settings): Pick<GateValues, 'against' | 'baseline'> {
  const [one, other] = [settings.find('against'), settings.find('baseline')]
  if (one === undefined || other === undefined || one.layer === other.layer) return { against, baseline }
  return settings.find('against', 'baseline') === one ? { against, baseline: undefined } : { against: undefined, baseline }
}

/** What only a gate that measures both builds can be told. */
const sideBySideOnly = [
  'target',
  'copies',
  'pairs',
  'block',
  'budget',
  'rounds',
  'profile',
  'seed',
  'partition-key',
  'partitions',
  'durability',
] as const

const ofTargets = Object.keys(targetFlags(targets))

/** The stored session again, here. */
async function onBaseline(values: GateValues, file: string, { cwd, signal, settings, notice, progress }: Context): Promise<GateReport> {
  refuseGiven(
    settings,
    [...sideBySideOnly, ...ofTargets, 'metric', 'out'],
    'cannot go with --baseline: the stored session says what is measured',
  )
  const { result: stored } = await readResult(resolve(cwd, file))
  const plan = planAgain(stored, { stores: values.store === undefined ? null : [values.store], out: cwd })
  const begin = performance.now()
  const onProgress = (state: Progress) => progress(progressLine(state, performance.now() - begin), state.label)
  const here = await runSession(plan, { signal, onProgress, onNotice: notice })
  // What it measured may be whole, and what it was asked for is not: its audits may be missing.
  if (signal.aborted) throw new Interrupted()
  const minEffect = values['min-effect'] ?? defaultRule.minEffect
  const seconds = (performance.now() - begin) / 1000
  return reportOnBaseline(stored, here, { ...defaultRule, minEffect, strict: values.strict ?? false, seconds })
}

/** Results on both sides: nothing is measured. */
async function onResults(values: GateValues, names: readonly [string, string], { cwd, settings, notice }: Context): Promise<GateReport> {
  refuseGiven(settings, [...sideBySideOnly, ...ofTargets, 'store'], 'cannot go with --candidate: nothing is measured')
  const begin = performance.now()
  const [base, candidate] = await sidesNamed(names, { cwd, out: values.out ?? defaultFolder, notice })
  const rule = { ...defaultRule, minEffect: values['min-effect'] ?? defaultRule.minEffect }
  const comparison = compare(base, candidate, rule.minEffect, rule.confidence)
  const findings = [base, candidate].flatMap(({ results }) =>
    results.flatMap(({ file, result }) => findingsIn(result).map((finding) => `${file}: ${finding}`)),
  )
  if (findings.length === 0) {
    if (comparison.refusals.length > 0) throw new UsageError(renderRefusals(comparison, null))
    refuseEmpty(comparison)
  }
  // Its throughput is the rate that was asked for, and its p99 is mostly the receiver's batch time.
  const driven = [base, candidate].some(({ results }) => results.some(({ result }) => result.runs.some(({ k6 }) => k6 !== undefined)))
  const metric = values.metric ?? (driven ? 'cpu' : 'throughput')
  const seconds = (performance.now() - begin) / 1000
  const report = gateOnResults(comparison, metric, { sides: [base, candidate], rule, strict: values.strict ?? false, findings, seconds })
  if (report.rows.length === 0 && findings.length === 0) {
    const there = gateMetrics.filter((name) => comparison.rows.some((row) => row.metric === name))
    throw new UsageError(`no ${metric} is in the results of both sides; --metric ${there.join(' or ')} is`)
  }
  return report
}

async function sideBySide(values: GateValues, against: string, context: Context): Promise<GateReport> {
  const { cwd, signal, progress, settings } = context
  refuseGiven(settings, ['out'], 'is where labels are looked for: it goes with --candidate')
  const { target = targetsNamed('single-thread'), profile = 'web' } = values
  const [planned, ...others] = planTargets(target, targets, settings)
  if (planned === undefined || others.length > 0) throw new UsageError('a gate decides on one target: name one with --target')
  const rule = { ...defaultRule, minEffect: values['min-effect'] ?? defaultRule.minEffect }
  const base = await openBase(against, { cwd, signal, onProgress: (label) => progress(label, label) })
  try {
    const plan: GatePlan = {
      builds: { base: base.build, candidate: ownBuild() },
      target: planned.name,
      metric: values.metric ?? 'throughput',
      options: Object.fromEntries(planned.asked.map((name) => [name, planned.options[name] ?? 0])),
      store: values.store ?? { name: 'postgres', url: '' },
      durability: values.durability ?? 'power',
      source: { kind: 'stream', source: 1, profile, seed: values.seed ?? '1', format: 'combined', ...profileOf(profile).defaults },
      layout: { partitionKey: values['partition-key'] ?? 'id', partitions: values.partitions ?? defaultPartitions },
      budgetMs: values.budget ?? defaultBudgetMs,
      // Who says how many pairs wants just those.
      rounds: values.rounds ?? (values.pairs === undefined ? defaultRounds : 1),
      copies: values.copies ?? defaultCopies,
      pairs: values.pairs ?? null,
      blockMs: values.block ?? defaultBlockMs,
    }
    const onProgress = ({ label, done }: { label: string; done: number }) => progress(`${Math.round(100 * done)}%  ${label}`, label)
    const measured = await runGate(plan, { signal, onProgress, cannotTell: (copies) => cannotTell(plan, copies, rule) })
    if (measured.copies.every(({ pairs }) => pairs.length === 0) && measured.troubles.length === 0)
      throw signal.aborted ? new Interrupted() : new RunFailed('nothing was measured')
    return reportOf(plan, measured, { rule, strict: values.strict ?? false })
  } finally {
    await base.close()
  }
}
