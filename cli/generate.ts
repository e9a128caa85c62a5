/** weir generate: writes a stream's lines to stdout or into a folder. */
import { resolve } from 'node:path'
import { generate as generateLines } from '../generators/generate.js'
import { openSource } from '../generators/open.js'
import { spanTrouble } from '../generators/renderer.js'
import { segment } from '../generators/segment.js'
import type { StreamSpec } from '../generators/source.js'
import { count, duration, rate, significant } from '../results/format.js'
import { type Scenario, ScenarioError, type ScenarioParameters } from '../scenarios/scenario.js'
import { formatNamed, profileNamed, scenarioNamed, scenarios } from './catalogue.js'
import { defineCommand, value } from './command.js'
import { Interrupted, RunFailed, UsageError } from './errors.js'
import { parseCount, parseLength, parsePositiveCount, parseSeed, parseSegment, parseStart } from './quantities.js'
import { defaultPartitions, scenarioOptions, scenarioParameters } from './scenario-options.js'

export const generate = defineCommand({
  name: 'generate',
  summary: 'Writes log lines: any range of a stream, in any share.',
  options: {
    n: value({ alias: 'n', placeholder: 'AMOUNT', summary: 'records (1M) or bytes (10GB) of the whole stream (1M)', parse: parseLength }),
    format: value({ placeholder: 'NAME', summary: 'combined, common or json (combined)', parse: formatNamed }),
    profile: value({ placeholder: 'NAME', summary: 'what the stream looks like (web)', parse: profileNamed }),
    seed: value({ placeholder: 'N', summary: 'another stream of the same profile (1)', parse: parseSeed }),
    from: value({ placeholder: 'POSITION', summary: 'position of the first record (0)', parse: parseCount }),
    segment: value({ placeholder: 'I/N', summary: 'only share i of n, numbered from 1', parse: parseSegment }),
    workers: value({ placeholder: 'N', summary: 'threads that render; same bytes, same order (1)', parse: parsePositiveCount }),
    output: value({ alias: 'o', placeholder: 'DIR', summary: 'folder for the files, or - for stdout (-)', parse: (text) => text }),
    scenario: value({ placeholder: 'NAME', summary: 'places the stream in time (steady)', rare: true, parse: scenarioNamed }),
    start: value({ placeholder: 'DATE', summary: "time of record 0, ISO, UTC (the scenario's)", rare: true, parse: parseStart }),
    'records-per-day': value({
      placeholder: 'N',
      summary: "how densely the stream lies in time (the scenario's)",
      rare: true,
      parse: parsePositiveCount,
    }),
    ...scenarioOptions,
  },
  positionals: [],
  targetOptions: false,
  examples: [
    'weir generate -n 1000 | head',
    'weir generate -n 1GB --workers 2 -o logs',
    'weir generate -n 200k --segment 3/3 --format json > last-third.log',
  ],

  async handler(values, { signal, progress, notice, cwd, settings }) {
    const scenario = values.scenario ?? scenarios[0]
    if (!scenario) throw new Error('no scenarios are registered')
    const length = values.n ?? { kind: 'records', records: scenario.records }
    const asked = { startMs: values.start ?? null, recordsPerDay: values['records-per-day'] ?? null }
    const plain: StreamSpec = {
      kind: 'stream',
      source: 1,
      profile: values.profile ?? scenario.profile,
      seed: values.seed ?? '1',
      format: values.format ?? 'combined',
      ...scenario.timing(asked, scenario.records),
    }
    const stream = await shaped(scenario, plain, scenarioParameters(scenario, values, settings))
    // The mean line does not depend on when the stream begins, so bytes become records before the scenario places it.
    const total =
      length.kind === 'records' ? length.records : Math.max(1, Math.round(length.bytes / (await openSource(stream).meanLineBytes())))
    const spec = { ...stream, ...scenario.timing(asked, total) }
    const share = segment(total, values.segment?.index ?? 1, values.segment?.of ?? 1)
    const first = share.first + (values.from ?? 0)
    const records = share.count
    const last = first + records
    if (!Number.isSafeInteger(last)) throw new UsageError(`the stream would end at position ${last}, beyond ${Number.MAX_SAFE_INTEGER}`)

    const trouble = spanTrouble(spec, last)
    if (trouble !== undefined) throw new UsageError(trouble)

    const directory = values.output === undefined || values.output === '-' ? null : resolve(cwd, values.output)
    const begin = performance.now()
    const elapsed = (): number => (performance.now() - begin) / 1000
    const made = await generateLines({
      spec,
      first,
      count: records,
      workers: values.workers ?? 1,
      sink: directory === null ? { fd: 1 } : { directory },
      signal,
      onProgress: (made) => {
        if (made.records > 0) progress(progressLine(made.records, made.bytes, records, elapsed()), 'generate')
      },
    }).catch((error: unknown) => {
      if (signal.aborted) throw new Interrupted()
      throw new RunFailed((error as Error).message)
    })
    if (!made.closed) notice(summary(made.records, made.bytes, elapsed(), directory))
    return { status: 0, output: '' }
  },
})

/** The same records that `weir run` replays, for the layout that it has unless told otherwise. */
async function shaped(scenario: Scenario, spec: StreamSpec, parameters: ScenarioParameters): Promise<StreamSpec> {
  try {
    const partitionKey = scenario.partitionKey ?? 'id'
    return (await scenario.shape?.(spec, { parameters, partitionKey, partitions: defaultPartitions })) ?? spec
  } catch (error) {
    throw error instanceof ScenarioError ? new UsageError(error.message) : error
  }
}

function progressLine(records: number, bytes: number, total: number, seconds: number): string {
  const left = (seconds * (total - records)) / records
  return `${Math.floor((100 * records) / total)}% of ${count(total)} records  ${rates(records, bytes, seconds)}  ${duration(left)} left`
}

function summary(records: number, bytes: number, seconds: number, directory: string | null): string {
  const where = directory === null ? '' : ` in ${directory}`
  return `${count(records)} records${where}, ${significant(bytes / 1e6, 4)} MB in ${duration(seconds)}: ${rates(records, bytes, seconds)}`
}

function rates(records: number, bytes: number, seconds: number): string {
  return `${rate(records / seconds)} records/s, ${(bytes / seconds / 1e9).toFixed(2)} GB/s`
}
