/** weir verify: audits a run that still lies in a store against the stream or file that it came from. */
import { resolve } from 'node:path'
import { VerifyChoiceError, type VerifyReport, verifyRuns } from '../replay/verify.js'
import { storeIn } from '../stores/index.js'
import { storeNamed } from './catalogue.js'
import { defineCommand, toggle, value } from './command.js'
import { Interrupted, UsageError } from './errors.js'
import { refuseSecondPlace } from './refusals.js'

export const verify = defineCommand({
  name: 'verify',
  summary: 'Audits a run that was kept in a store, record by record.',
  options: {
    schema: value({ placeholder: 'NAME', summary: 'the run: its schema, weir_... (all of them)', parse: (text) => text }),
    store: value({ alias: 's', placeholder: 'URL', summary: 'server that holds it: postgres://..., http://...', parse: storeNamed }),
    data: value({ placeholder: 'DIR', summary: 'data directory that weir run --keep --data left', parse: (text) => text }),
    input: value({ placeholder: 'FILE', summary: 'the replayed log, when it has moved', parse: (text) => text }),
    json: toggle({ summary: 'print the audit as one JSON document' }),
  },
  positionals: ['schema'],
  targetOptions: false,
  examples: ['weir run -t single-thread -n 10k --keep --data kept', 'weir verify --data kept'],

  async handler(values, { cwd, settings, signal, progress, notice }) {
    const data = values.data === undefined ? null : resolve(cwd, values.data)
    const store = values.store ?? { name: (data === null ? undefined : storeIn(data)) ?? 'postgres', url: '' }
    if (store.name === 'null') throw new UsageError('the null store keeps nothing, so there is nothing to verify')
    refuseSecondPlace([store], settings)
    if (store.url === '' && data === null) {
      throw new UsageError('say where the run lies: --store URL, or --data DIR (of weir run --keep --data DIR)')
    }
    const plan = {
      store,
      dataDirectory: data,
      schema: values.schema ?? null,
      input: values.input === undefined ? null : resolve(cwd, values.input),
    }
    const reports = await verifyRuns(plan, { signal, onProgress: (line) => progress(line, line), onNotice: notice }).catch(
      (error: unknown) => {
        if (error instanceof VerifyChoiceError) throw new UsageError(error.message)
        throw error
      },
    )
    if (signal.aborted) throw new Interrupted()
    const status = reports.every(isSound) ? 0 : 1
    if (values.json)
      return { status, output: `${JSON.stringify({ runs: reports.map((report) => ({ ...report, sound: isSound(report) })) })}\n` }
    return { status, output: `${reports.map(describe).join('\n')}\n` }
  },
})

function isSound({ audit }: VerifyReport): boolean {
  return audit.lost + audit.duplicated + audit.corrupted + audit.misplaced + (audit.unexpected ?? 0) === 0
}

function describe(report: VerifyReport): string {
  const { schema, target, leg, audit, findings } = report
  const counts = Object.entries(audit).map(([name, count]) => `  ${name.padEnd(14)}${Math.round(count ?? 0).toLocaleString('en')}`)
  const found = findings.map(({ kind, source, position, expected, found }) => {
    const detail = [...(expected === undefined ? [] : [`expected ${expected}`]), ...(found === undefined ? [] : [`found ${found}`])]
    return `  ${kind}: source ${source}, position ${position}${detail.length > 0 ? `: ${detail.join(', ')}` : ''}`
  })
  const head = `${schema} (${target}, ${leg}): ${isSound(report) ? 'sound, every record accounted for' : 'UNSOUND'}`
  return [head, ...counts, ...(found.length > 0 ? ['  what was found first:', ...found.slice(0, 20)] : [])].join('\n')
}
