/** weir k6: has k6 send a script's requests to Weir's services, audits what became of them, and leaves a result. */
import { resolve } from 'node:path'
import { K6MissingError } from '../replay/k6/binary.js'
import type { K6Plan, K6Values } from '../replay/k6/plan.js'
import { type K6Script, k6Scripts, type SettingName, settingNames } from '../replay/k6/scripts.js'
import { type K6Progress, runK6Session } from '../replay/k6/session.js'
import { runDurabilities } from '../replay/plan.js'
import { InterruptedError, UnsupportedError } from '../replay/session.js'
import { secretsOf } from '../results/redact.js'
import { renderTable } from '../results/table.js'
import { serialize, writeResult } from '../results/write.js'
import { defaultSettings } from '../services/receiver/server.js'
import { partitionKeys } from '../stores/store.js'
import { storeNamed, wordOf } from './catalogue.js'
import { defineCommand, toggle, type Values, value } from './command.js'
import { Destinations, refuseUnwritableFolder } from './destinations.js'
import { Interrupted, RunFailed, UsageError } from './errors.js'
import { parseDuration, parseLabel, parsePositiveCount, parseRate, parseSeed } from './quantities.js'
import { receiverOptions } from './receiver-options.js'
import { refuseSecondPlace } from './refusals.js'
import { near, statusOf } from './run.js'
import { defaultPartitions } from './scenario-options.js'
import type { Settings } from './settings.js'
import { unknown } from './suggest.js'

/** Rows that analytics-read asks about. */
const usualRows = 200_000

const options = {
  script: value({ placeholder: 'NAME', summary: k6Scripts.map(({ name }) => name).join(', '), parse: scriptNamed }),
  store: value({ alias: 's', placeholder: 'STORE', summary: 'postgres, clickhouse or a URL (postgres)', parse: storeNamed }),
  rate: value({ placeholder: 'N', summary: 'records/s (2k; receiver-soak 1k)', parse: parseRate }),
  lines: value({ placeholder: 'N', summary: 'records in a request (100; receiver-100k 1)', parse: parsePositiveCount }),
  questions: value({ placeholder: 'N', summary: 'questions/s (analytics-read 20, mixed 10)', parse: parseRate }),
  submissions: value({ placeholder: 'N', summary: 'receiver-100k: requests due at once (100k)', parse: parsePositiveCount }),
  duration: value({ placeholder: 'TIME', summary: 'how long (30s; receiver-soak 1h, receiver-100k 30m)', parse: parseDuration }),
  connections: value({ placeholder: 'N', summary: 'at once (50; receiver-100k 200, analytics-read 20)', parse: parsePositiveCount }),
  p99: value({ placeholder: 'TIME', summary: 'fail (1) above this, due to answered (1s or 2s), or none', parse: parseLimit }),
  'batch-time': { ...receiverOptions['batch-time'], rare: false, summary: 'the receiver stores a batch at the latest after (3m)' },
  json: toggle({ summary: 'print the result as one JSON document' }),
  out: value({ placeholder: 'DIR', summary: 'where the result file goes (results/runs)', parse: (text) => text }),
  'batch-records': { ...receiverOptions['batch-records'], summary: 'or after so many records (30k)' },
  ack: receiverOptions.ack,
  instances: { ...receiverOptions.instances, summary: 'processes that take lines (1)' },
  processors: value({ placeholder: 'N', summary: 'processes that turn objects into rows (1)', rare: true, parse: parsePositiveCount }),
  peak: value({ placeholder: 'N', summary: 'receiver-burst: times the rate in a burst (4)', rare: true, parse: parsePositiveCount }),
  burst: value({ placeholder: 'TIME', summary: 'receiver-burst: length of a burst (500ms)', rare: true, parse: parseDuration }),
  every: value({ placeholder: 'TIME', summary: 'receiver-burst: from one to the next (2s)', rare: true, parse: parseDuration }),
  rows: value({ placeholder: 'N', summary: 'analytics-read: rows to ask about (200k)', rare: true, parse: parsePositiveCount }),
  k6: value({ placeholder: 'FILE', summary: 'the k6 to run (dist/k6, else the one on the PATH)', rare: true, parse: (text) => text }),
  stock: toggle({ summary: 'render lines beforehand, for a k6 without the extension', rare: true }),
  seed: value({ placeholder: 'N', summary: 'another stream of the same profile (1)', rare: true, parse: parseSeed }),
  label: value({ placeholder: 'NAME', summary: 'what to call the result, for weir compare', rare: true, parse: parseLabel }),
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
  keep: toggle({ summary: 'leave the tables for weir verify; embedded: with --data', rare: true }),
  data: value({ placeholder: 'DIR', summary: 'data directory of the embedded server (throwaway)', rare: true, parse: (text) => text }),
}

type K6Options = Values<typeof options>

export const k6 = defineCommand({
  name: 'k6',
  summary: 'Has k6 load receiver or analytics, and audits the store.',
  options,
  positionals: ['script'],
  targetOptions: false,
  examples: ['weir k6 receiver-steady --rate 5k --duration 10s', 'weir k6 receiver-100k -s clickhouse --connections 500'],

  async handler(values, context) {
    const { cwd, display, notice, settings, signal } = context
    const plan = planK6(values, settings, cwd)
    refuseUnwritableFolder(plan.out, '--out')
    const destinations = new Destinations(notice)
    const onProgress = (state: K6Progress) => context.progress(progressOf(state), state.label)
    const result = await runK6Session(plan, { signal, onProgress, onNotice: notice }).catch((error: unknown) => {
      if (error instanceof InterruptedError) throw new Interrupted(error.message)
      if (error instanceof UnsupportedError) throw new UsageError(error.message)
      if (error instanceof K6MissingError) throw new RunFailed(error.message)
      throw error
    })
    const secrets = secretsOf(plan.store.url)
    const file = await destinations.keep(writeResult(result, plan.out, secrets))
    const table = { tty: display.tty, columns: display.columns, ...(file === undefined ? {} : { file: near(cwd, file) }) }
    return {
      status: destinations.status(statusOf(result, signal.aborted)),
      output: values.json ? serialize(result, secrets) : renderTable(result, table),
    }
  },
})

/** Fills in what was not said. @throws UsageError for settings that contradict each other, or that the script does not have */
function planK6(values: K6Options, settings: Settings, cwd: string): K6Plan {
  const { script, store = { name: 'postgres', url: '' } } = values
  if (script === undefined) throw new UsageError(`say which script: weir k6 ${k6Scripts.map(({ name }) => name).join(', weir k6 ')}`)
  refuseOthers(script, settings)
  if (store.name === 'null') throw new UsageError('the null store keeps nothing that an audit could read: name another')
  if (values.keep && store.url === '' && values.data === undefined) {
    throw new UsageError('--keep on the embedded server needs a place that lasts: add --data DIR')
  }
  refuseSecondPlace([store], settings)
  const numbers = valuesOf(script, values)
  const { burstMs, everyMs } = numbers
  if (burstMs !== undefined && everyMs !== undefined && burstMs >= everyMs) {
    throw new UsageError('--burst must be shorter than --every: a burst ends before the next begins')
  }
  return {
    script,
    values: numbers,
    store,
    rows: values.rows ?? usualRows,
    receiver: {
      acknowledgement: values.ack ?? defaultSettings.acknowledgement,
      batchRecords: values['batch-records'] ?? defaultSettings.batchRecords,
      batchMs: values['batch-time'] ?? defaultSettings.batchMs,
    },
    instances: values.instances ?? 1,
    processors: values.processors ?? 1,
    binary: values.k6 === undefined ? null : resolve(cwd, values.k6),
    stock: values.stock ?? false,
    seed: values.seed ?? '1',
    label: values.label ?? null,
    partitionKey: values['partition-key'] ?? 'id',
    partitions: values.partitions ?? defaultPartitions,
    durability: values.durability ?? 'power',
    keep: values.keep ?? false,
    dataDirectory: values.data === undefined ? null : resolve(cwd, values.data),
    out: resolve(cwd, values.out ?? 'results/runs'),
  }
}

/** What was given, and the script's own for the rest. */
function valuesOf({ defaults }: K6Script, values: K6Options): K6Values {
  const of = <T>(name: SettingName, parse: (text: string) => T): T | undefined => {
    const own = defaults[name]
    return own === undefined ? undefined : ((values[name] as T | undefined) ?? parse(own))
  }
  const found = {
    rate: of('rate', parseRate),
    lines: of('lines', parsePositiveCount),
    questions: of('questions', parseRate),
    submissions: of('submissions', parsePositiveCount),
    peak: of('peak', parsePositiveCount),
    burstMs: of('burst', parseDuration),
    everyMs: of('every', parseDuration),
  }
  const limit = of('p99', parseLimit)
  return {
    ...(Object.fromEntries(Object.entries(found).filter(([, number]) => number !== undefined)) as Partial<K6Values>),
    durationMs: of('duration', parseDuration) ?? 0,
    connections: of('connections', parsePositiveCount) ?? 1,
    p99Ms: limit === undefined || limit === 'none' ? null : limit,
  }
}

/** @throws UsageError that names a flag which would be ignored */
function refuseOthers({ name, defaults, sends }: K6Script, settings: Settings): void {
  const own: Readonly<Record<string, boolean>> = {
    ...Object.fromEntries(settingNames.map((setting) => [setting, defaults[setting] !== undefined])),
    ...Object.fromEntries(
      ['ack', 'batch-records', 'batch-time', 'instances', 'processors'].map((option) => [option, sends !== 'questions']),
    ),
    rows: sends === 'questions',
    stock: sends === 'lines',
  }
  for (const [option, known] of Object.entries(own)) {
    const given = settings.find(option)
    if (!known && given?.layer === 'flag') throw new UsageError(`${given.origin} means nothing to ${name}`)
  }
}

function scriptNamed(text: string): K6Script {
  const script = k6Scripts.find(({ name }) => name === text)
  if (script !== undefined) return script
  throw new UsageError(
    unknown(
      'script',
      text,
      k6Scripts.map(({ name }) => name),
    ),
  )
}

function parseLimit(text: string): number | 'none' {
  return text === 'none' ? text : parseDuration(text)
}

function progressOf({ label, requests }: K6Progress): string {
  if (requests === null) return label
  return `${label}: ${requests.answered.toLocaleString('en')} of ${requests.planned.toLocaleString('en')} requests answered`
}
