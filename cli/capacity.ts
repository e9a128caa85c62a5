/** weir capacity: searches for the highest rate that a target sustains, and measures latency below it. */
import { runCapacity } from '../replay/capacity/session.js'
import { InterruptedError, type Progress, UnsupportedError } from '../replay/session.js'
import type { CapacityResult } from '../results/capacity/report.js'
import { renderCapacities } from '../results/capacity/table.js'
import { secretsOf } from '../results/redact.js'
import { documentName, serialize, writeDocument } from '../results/write.js'
import { ScenarioError } from '../scenarios/scenario.js'
import { storesNamed, targetsNamed } from './catalogue.js'
import { defineCommand, toggle, type Values, value } from './command.js'
import { Destinations, refuseUnwritableFolder } from './destinations.js'
import { Interrupted, UsageError } from './errors.js'
import { progressLine } from './progress.js'
import { parseDuration, parseShare } from './quantities.js'
import { near, planRun, options as runOptions, statusOf } from './run.js'
import { scenarioOptions } from './scenario-options.js'

/** What a sustained rate keeps, unless told otherwise: the limit of the examples that plan with volumes and p99. */
const defaultLimitMs = 1000
const defaultBudgetMs = 60_000
const defaultPrecision = 0.05

const options = {
  scenario: runOptions.scenario,
  target: value({ alias: 't', placeholder: 'A,B', summary: 'architectures, one after the other (worker-pool)', parse: targetsNamed }),
  store: value({ alias: 's', placeholder: 'A,B', summary: 'postgres, clickhouse, null or a URL (postgres)', parse: storesNamed }),
  p99: value({ placeholder: 'TIME', summary: 'p99 from due to stored that a sustained rate keeps (1s)', parse: parseDuration }),
  budget: value({ placeholder: 'TIME', summary: 'time for the probes of the search (60s)', parse: parseDuration }),
  precision: value({ placeholder: 'SHARE', summary: 'ends the search when the interval is ± this (5%)', parse: parseShare }),
  verbose: toggle({ summary: 'list every probe' }),
  json: runOptions.json,
  out: runOptions.out,
  label: runOptions.label,
  format: runOptions.format,
  profile: runOptions.profile,
  seed: runOptions.seed,
  start: runOptions.start,
  'records-per-day': runOptions['records-per-day'],
  'partition-key': runOptions['partition-key'],
  partitions: runOptions.partitions,
  durability: runOptions.durability,
  ...scenarioOptions,
}

export const capacity = defineCommand({
  name: 'capacity',
  summary: 'Searches for the highest rate that an architecture sustains.',
  options,
  positionals: ['scenario'],
  targetOptions: true,
  examples: [
    'weir capacity -t worker-pool -s postgres --p99 500ms',
    'weir capacity -t single-thread --budget 20s --precision 10%',
    'weir capacity -t worker-pool --workers 2 --p99 2s --verbose',
  ],

  async handler(values, { cwd, display, settings, signal, progress, notice }) {
    const limitMs = values.p99 ?? defaultLimitMs
    const budgetMs = values.budget ?? defaultBudgetMs
    const target = values.target ?? targetsNamed('worker-pool')
    const store = values.store ?? storesNamed('postgres')
    const plan = { ...planRun(asRun({ ...values, target, store }), settings, cwd), arrivals: 'constant', latencyLeg: false }
    const asked = { plan: { ...plan, length: { kind: 'duration' as const, durationMs: budgetMs } }, limitMs, budgetMs }
    refuseUnwritableFolder(plan.out, '--out')
    const destinations = new Destinations(notice)
    const begin = performance.now()
    const onProgress = (state: Progress): void => progress(progressLine(state, performance.now() - begin), state.label)
    const result = await runCapacity(
      { ...asked, precision: values.precision ?? defaultPrecision },
      { signal, onProgress, onNotice: notice },
    ).catch((error: unknown) => {
      if (error instanceof InterruptedError) throw new Interrupted(error.message)
      if (error instanceof UnsupportedError || error instanceof ScenarioError) throw new UsageError(error.message)
      throw error
    })
    const secrets = plan.stores.flatMap(({ url }) => secretsOf(url))
    const file = await destinations.keep(writeDocument(result, documentName(result, `capacity-${plan.scenario}`), plan.out, secrets))
    const kept = file === undefined ? {} : { file: near(cwd, file) }
    const table = { tty: display.tty, columns: display.columns, verbose: values.verbose === true, ...kept }
    return {
      status: destinations.status(capacityStatus(result, signal.aborted)),
      output: values.json ? serialize(result, secrets) : renderCapacities(result, table),
    }
  },
})

/** Every option of a run, those that capacity does not have unsaid. */
function asRun(values: Partial<Values<typeof runOptions>>): Values<typeof runOptions> {
  const unsaid = Object.fromEntries(Object.keys(runOptions).map((key) => [key, undefined]))
  return { ...(unsaid as Values<typeof runOptions>), ...values }
}

/** As of a run: 130 when interrupted, 1 when something failed or an audit found something, else 0. */
export function capacityStatus({ capacities, baseline }: Pick<CapacityResult, 'capacities' | 'baseline'>, interrupted: boolean): number {
  return statusOf({ runs: capacities, baseline }, interrupted)
}
