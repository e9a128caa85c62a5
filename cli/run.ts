/** weir run: replays a scenario through targets into a store and reports what was measured. */
import { relative, resolve } from 'node:path'
import { type Length, type Plan, runDurabilities } from '../replay/plan.js'
import { InterruptedError, type Progress, runSession, UnsupportedError } from '../replay/session.js'
import { secretsOf } from '../results/redact.js'
import type { Result } from '../results/result.js'
import { renderTable } from '../results/table.js'
import { auditFindings } from '../results/verdict.js'
import { serialize, writeResult } from '../results/write.js'
import { type Scenario, ScenarioError } from '../scenarios/scenario.js'
import { partitionKeys } from '../stores/store.js'
import { arrivalsNamed } from './arrivals.js'
import {
  defaultStores,
  defaultTargets,
  formatNamed,
  profileNamed,
  scenarioNamed,
  scenarios,
  storesNamed,
  targets,
  targetsNamed,
  wordOf,
} from './catalogue.js'
import { defineCommand, toggle, type Values, value } from './command.js'
import { Destinations, refuseUnwritableFile, refuseUnwritableFolder } from './destinations.js'
import { Interrupted, UsageError } from './errors.js'
import { formatOfInput } from './input-format.js'
import { progressLine } from './progress.js'
import {
  parseCount,
  parseDuration,
  parseLabel,
  parseLength,
  parsePositiveCount,
  parseRate,
  parseSeed,
  parseShare,
  parseStart,
} from './quantities.js'
import { refuseGiven, refuseSecondPlace } from './refusals.js'
import { defaultPartitions, scenarioOptions, scenarioParameters } from './scenario-options.js'
import type { Settings } from './settings.js'
import { planTargets } from './target-options.js'

/** Runs of `--until` when `--runs` says nothing else. */
const mostUntil = 30

/** The options of a run; other commands that plan one take theirs from here. */
export const options = {
  scenario: value({ placeholder: 'NAME', summary: 'scenario to replay (steady); see weir list', parse: scenarioNamed }),
  target: value({
    alias: 't',
    placeholder: 'A,B',
    summary: 'architectures to measure (all but baseline and receiver)',
    parse: targetsNamed,
  }),
  store: value({ alias: 's', placeholder: 'A,B', summary: 'postgres, clickhouse, null or a URL (all embedded ones)', parse: storesNamed }),
  n: value({ alias: 'n', placeholder: 'AMOUNT', summary: 'records (1M) or bytes (10GB) of the full-speed leg (1M)', parse: parseLength }),
  duration: value({ placeholder: 'TIME', summary: 'length as time instead: 30s, 5m', parse: parseDuration }),
  rate: value({ placeholder: 'N', summary: 'records/s of the latency leg (70% of full speed)', parse: parseRate }),
  runs: value({ placeholder: 'N', summary: 'repeat everything on fresh tables, interleaved (1)', rare: true, parse: parsePositiveCount }),
  until: value({
    placeholder: 'SHARE',
    summary: 'repeat until every throughput is known to +- this: 2% (30 runs at the most)',
    rare: true,
    parse: parseShare,
  }),
  label: value({ placeholder: 'NAME', summary: 'what to call the result, for weir compare', rare: true, parse: parseLabel }),
  'no-latency-leg': toggle({ summary: 'measure throughput only' }),
  input: value({ placeholder: 'FILE', summary: 'replay a real log, plain or .gz', parse: (text) => text }),
  json: toggle({ summary: 'print the result as one JSON document' }),
  out: value({ placeholder: 'DIR', summary: 'where the result file goes (results/runs)', parse: (text) => text }),
  format: value({
    placeholder: 'NAME',
    summary: 'combined, common or json (combined; of a file: found by trying)',
    rare: true,
    parse: formatNamed,
  }),
  profile: value({ placeholder: 'NAME', summary: 'what the generated stream looks like (web)', rare: true, parse: profileNamed }),
  seed: value({ placeholder: 'N', summary: 'another stream of the same profile (1)', rare: true, parse: parseSeed }),
  start: value({ placeholder: 'DATE', summary: "time of the first record, ISO, UTC (the scenario's)", rare: true, parse: parseStart }),
  'records-per-day': value({
    placeholder: 'N',
    summary: "how densely the stream lies in time (the scenario's)",
    rare: true,
    parse: parsePositiveCount,
  }),
  analytics: value({
    placeholder: 'N',
    summary: 'queries/s of the analytics side beside it, in its process and apart (none)',
    rare: true,
    parse: parseRate,
  }),
  arrivals: value({
    placeholder: 'KIND',
    summary: 'when records of the latency leg are due: poisson, burst:4x,500ms,2s, ramp:1..10, ... (constant); see docs/arrivals.md',
    rare: true,
    parse: arrivalsNamed,
  }),
  'partition-key': value({
    placeholder: 'COLUMN',
    summary: 'id, address, user or path: hashed into partitions (id)',
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
  'max-rejects': value({ placeholder: 'N', summary: 'fail a run with more rejected lines (any number)', rare: true, parse: parseCount }),
  'export-rejects': value({ placeholder: 'FILE', summary: 'write the rejected lines to a file', rare: true, parse: (text) => text }),
  ...scenarioOptions,
  keep: toggle({ summary: 'leave the tables for weir verify; embedded: with --data', rare: true }),
  data: value({ placeholder: 'DIR', summary: 'data directory of the embedded server (throwaway)', rare: true, parse: (text) => text }),
}

export const run = defineCommand({
  name: 'run',
  summary: 'Replays a log stream through architectures into a store, measures them, audits it.',
  options,
  positionals: ['scenario'],
  targetOptions: true,
  examples: [
    'weir run',
    'weir run -t single-thread,worker-pool -n 200k',
    'weir run month-end -t worker-pool --workers 2 --rate 20k -n 200k',
    'weir run -s null --duration 2s --json',
  ],

  async handler(values, { cwd, display, settings, signal, progress, notice }) {
    const planned = planRun(values, settings, cwd)
    const plan = planned.input === null ? planned : { ...planned, format: await formatOfInput(planned.input, values.format, notice) }
    if (values['partition-key'] === undefined && plan.partitionKey !== 'id')
      notice(`${plan.scenario} splits each month by ${plan.partitionKey} unless --partition-key says otherwise`)
    refuseUnwritableFolder(plan.out, '--out')
    if (plan.exportRejects !== null) refuseUnwritableFile(plan.exportRejects, '--export-rejects')
    const destinations = new Destinations(notice)
    const begin = performance.now()
    const onProgress = (state: Progress): void => progress(progressLine(state, performance.now() - begin), state.label)
    const onUnwritten = (text: string): void => destinations.miss(text)
    const result = await runSession(plan, { signal, onProgress, onNotice: notice, onUnwritten }).catch((error: unknown) => {
      if (error instanceof InterruptedError) throw new Interrupted(error.message)
      if (error instanceof UnsupportedError || error instanceof ScenarioError) throw new UsageError(error.message)
      throw error
    })
    const secrets = plan.stores.flatMap(({ url }) => secretsOf(url))
    const file = await destinations.keep(writeResult(result, plan.out, secrets))
    const table = { tty: display.tty, columns: display.columns, ...(file === undefined ? {} : { file: near(cwd, file) }) }
    return {
      status: destinations.status(statusOf(result, signal.aborted)),
      output: values.json ? serialize(result, secrets) : renderTable(result, table),
    }
  },
})

/** A path below the working directory as it is typed there; any other as it is. */
export function near(cwd: string, path: string): string {
  const shorter = relative(cwd, path)
  return shorter.startsWith('..') ? path : shorter
}

/** Fills in what was not said. Throws a UsageError for settings that contradict each other. */
export function planRun(values: Values<typeof options>, settings: Settings, cwd: string): Plan {
  const scenario = values.scenario ?? scenarios[0]
  if (!scenario) throw new Error('no scenarios are registered')
  const selected = values.target ?? defaultTargets
  const { input } = values
  if (input !== undefined) refuseWithInput(settings)
  const parameters = scenarioParameters(scenario, values, settings)
  if (input !== undefined && scenario.parameters !== undefined)
    throw new UsageError(`the scenario ${scenario.name} makes its own records; it cannot go with --input`)
  const partitionKey = values['partition-key'] ?? scenario.partitionKey ?? 'id'
  const refusal = scenario.refusal?.(partitionKey)
  if (refusal !== undefined) throw new UsageError(refusal)
  const stores = values.store ?? defaultStores(values.data !== undefined)
  const embedded = stores.filter(({ name, url }) => url === '' && name !== 'null')
  if (values.keep && embedded.length > 0 && values.data === undefined) {
    throw new UsageError('--keep on the embedded server needs a place that lasts: add --data DIR')
  }
  if (values.data !== undefined && embedded.length > 1) {
    throw new UsageError(`--data is the folder of one embedded server, but there are ${embedded.length}: name one with --store`)
  }
  refuseSecondPlace(stores, settings)
  if (values['no-latency-leg']) refuseGiven(settings, ['rate', 'arrivals'], 'is for the latency leg, and --no-latency-leg leaves it out')
  if (values.runs === 1 && values.until !== undefined) throw new UsageError('--until compares runs with each other; --runs 1 is one alone')
  if (input !== undefined && values.analytics !== undefined) {
    throw new UsageError('--analytics asks about times and addresses that a generated stream has; it cannot go with --input')
  }
  return {
    scenario: scenario.name,
    parameters,
    targets: planTargets(selected, targets, settings),
    targetsNamed: values.target !== undefined,
    stores,
    length: lengthOf(values, settings) ?? (input === undefined ? { kind: 'records', records: scenario.records } : null),
    rate: values.rate ?? null,
    rateShare: 0.7,
    repetitions: values.runs ?? (values.until === undefined ? 1 : mostUntil),
    until: values.until ?? null,
    label: values.label ?? null,
    arrivals: arrivalsOf(values, scenario),
    latencyLeg: values['no-latency-leg'] !== true,
    analyticsRate: values.analytics ?? null,
    seed: values.seed ?? '1',
    profile: values.profile ?? scenario.profile,
    format: values.format ?? 'combined',
    input: input === undefined ? null : resolve(cwd, input),
    startMs: values.start ?? null,
    recordsPerDay: values['records-per-day'] ?? null,
    partitionKey,
    partitions: values.partitions ?? defaultPartitions,
    durability: values.durability ?? 'power',
    maxRejects: values['max-rejects'] ?? null,
    exportRejects: values['export-rejects'] === undefined ? null : resolve(cwd, values['export-rejects']),
    keep: values.keep ?? false,
    dataDirectory: values.data === undefined ? null : resolve(cwd, values.data),
    out: resolve(cwd, values.out ?? 'results/runs'),
  }
}

/** A log's own timing needs a log, and leaves nothing to say about the rate. */
function arrivalsOf({ arrivals, input, rate }: Values<typeof options>, scenario: Scenario): string {
  if (arrivals?.startsWith('replay') !== true) return arrivals ?? scenario.arrivals
  if (input === undefined) throw new UsageError('--arrivals replay follows the times of a log: add --input FILE')
  if (rate !== undefined) throw new UsageError("--arrivals replay has the log's own rate; it cannot go with --rate")
  return arrivals
}

/** Of -n and --duration the one from the stronger layer; both in one layer contradict each other. */
function lengthOf(values: Values<typeof options>, settings: Settings): Length | undefined {
  const given = settings.find('n', 'duration')
  const amount = settings.find('n')
  const duration = settings.find('duration')
  if (amount && duration && amount.layer === duration.layer) {
    throw new UsageError(`${amount.origin} and ${duration.origin} both set the length; give one of them`)
  }
  if (given === undefined) return undefined
  if (given === amount) return values.n
  return values.duration === undefined ? undefined : { kind: 'duration', durationMs: values.duration }
}

/** What describes a generated stream means nothing for a real file. */
function refuseWithInput(settings: Settings): void {
  for (const key of ['profile', 'seed', 'start', 'records-per-day']) {
    const given = settings.find(key)
    if (given?.layer === 'flag') throw new UsageError(`${given.origin} describes a generated stream; it cannot go with --input`)
  }
}

/** 130 when interrupted; 1 when a run failed, an audit (the baseline's too) found something or a threshold was missed; else 0. */
export function statusOf(
  result: { readonly runs: readonly Pick<Result['runs'][number], 'verdict'>[] } & Partial<Pick<Result, 'baseline'>>,
  interrupted: boolean,
): number {
  const verdicts = new Set(result.runs.map(({ verdict }) => verdict))
  if (interrupted || verdicts.has('interrupted')) return 130
  if (result.baseline?.audit && auditFindings(result.baseline.audit).length > 0) return 1
  return verdicts.has('failed') || verdicts.has('unsound') || verdicts.has('threshold-failed') ? 1 : 0
}
