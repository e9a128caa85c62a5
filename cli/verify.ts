/** weir verify: audits a run that still lies in a store against the stream or file that it came from. */
import { resolve } from 'node:path'
import { verifyRun } from '../replay/verify.js'
import { storeNamed } from './catalogue.js'
import { defineCommand, toggle, value } from './command.js'
import { Interrupted, UsageError } from './errors.js'

export const verify = defineCommand({
  name: 'verify',
  summary: 'Audits a run that was kept in a store: reads every row back and reconciles it.',
  options: {
    schema: value({ placeholder: 'NAME', summary: 'the run: its schema, weir_... (the only one there)', parse: (text) => text }),
    store: value({ alias: 's', placeholder: 'URL', summary: 'server that holds it: postgres://user@host/db', parse: storeNamed }),
    data: value({ placeholder: 'DIR', summary: 'data directory that weir run --keep --data left', parse: (text) => text }),
    input: value({ placeholder: 'FILE', summary: 'the replayed log, when it has moved', parse: (text) => text }),
    json: toggle({ summary: 'print the audit as one JSON document' }),
  },
  positionals: ['schema'],
  targetOptions: false,
  examples: ['weir run -t single-thread -n 10k --keep --data kept', 'weir verify --data kept'],

  async handler(values, { cwd, signal, progress, notice }) {
    const store = values.store ?? { name: 'postgres', url: '' }
    if (store.name === 'null') throw new UsageError('the null store keeps nothing, so there is nothing to verify')
    if (store.url === '' && values.data === undefined) {
      throw new UsageError('say where the run lies: --store postgres://... or --data DIR (of weir run --keep --data DIR)')
    }
    const report = await verifyRun(
      {
        store,
        dataDirectory: values.data === undefined ? null : resolve(cwd, values.data),
        schema: values.schema ?? null,
        input: values.input === undefined ? null : resolve(cwd, values.input),
      },
      { signal, onProgress: progress, onNotice: notice },
    )
    if (signal.aborted) throw new Interrupted()
    const { audit, findings } = report
    const sound = audit.lost + audit.duplicated + audit.corrupted + audit.misplaced + (audit.unexpected ?? 0) === 0
    if (values.json) return { status: sound ? 0 : 1, output: `${JSON.stringify({ ...report, sound })}\n` }
    const rows = Object.entries(audit).map(([name, count]) => `  ${name.padEnd(14)}${Math.round(count ?? 0).toLocaleString('en')}`)
    const found = findings.map(
      ({ kind, source, position, expected, found }) =>
        `  ${kind} source ${source} position ${position}${expected === undefined ? '' : `: expected ${expected}`}${found === undefined ? '' : `, found ${found}`}`,
    )
    const lines = [`${report.schema}: ${sound ? 'sound' : 'UNSOUND'}`, ...rows, ...(found.length > 0 ? ['first findings:', ...found] : [])]
    return { status: sound ? 0 : 1, output: `${lines.join('\n')}\n` }
  },
})
