/** weir history: what became of each target over the results of a folder, and when it changed. */
import { relative, resolve } from 'node:path'
import { histories, historyMetrics } from '../results/history.js'
import { renderHistory } from '../results/history-table.js'
import { ResultReadError, readFolder } from '../results/read.js'
import { defaultFolder } from '../results/write.js'
import { wordOf } from './catalogue.js'
import { defineCommand, toggle, value } from './command.js'
import { UsageError } from './errors.js'
import { unknown } from './suggest.js'

export const history = defineCommand({
  name: 'history',
  summary: 'Shows targets over a folder of results, and when they changed.',
  options: {
    out: value({ placeholder: 'DIR', summary: `folder of the results (${defaultFolder})`, parse: (text) => text }),
    target: value({ alias: 't', placeholder: 'A,B', summary: 'these targets only (all)', parse: names }),
    metric: value({ placeholder: 'NAME', summary: 'throughput or p99 (throughput)', parse: wordOf('metric', historyMetrics) }),
    json: toggle({ summary: 'print the series as one JSON document' }),
  },
  positionals: ['out'],
  targetOptions: false,
  examples: ['weir history', 'weir history results/runs -t worker-pool --metric p99'],

  async handler(values, { cwd, display, notice }) {
    const folder = values.out ?? defaultFolder
    const { results, broken } = await readFolder(resolve(cwd, folder)).catch((error: unknown) => {
      if (error instanceof ResultReadError) throw new UsageError(`${folder} ${error.reason}`)
      throw error
    })
    const shown = (file: string): string => relative(resolve(cwd, folder), file)
    if (values.json !== true) for (const { file, reason } of broken) notice(`passed over: ${shown(file)} ${reason}`)
    if (results.length === 0) throw new UsageError(`there are no results in ${folder}${broken.length > 0 ? ' that can be read' : ''}`)
    const { target: wanted, metric = 'throughput' } = values
    if (wanted !== undefined) refuseUnknown(wanted, [...new Set(results.flatMap(({ result }) => result.runs.map(({ target }) => target)))])
    const here = results.map((one) => ({ ...one, file: shown(one.file) }))
    const kept =
      wanted === undefined
        ? here
        : here.map((one) => ({ ...one, result: { ...one.result, runs: one.result.runs.filter(({ target }) => wanted.includes(target)) } }))
    const found = histories(kept, metric)
    if (values.json) {
      const skipped = broken.map((one) => ({ ...one, file: shown(one.file) }))
      return { status: 0, output: `${JSON.stringify({ schema: 1, folder, metric, ...found, broken: skipped }, null, 2)}\n` }
    }
    if (found.series.length === 0) throw new UsageError(nothingLeft(folder, metric, found.leftOut))
    return { status: 0, output: renderHistory(found, metric, display) }
  },
})

function names(text: string): readonly string[] {
  return text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
}

function refuseUnknown(wanted: readonly string[], there: readonly string[]): void {
  for (const name of wanted) if (!there.includes(name)) throw new UsageError(unknown('target', name, there))
}

function nothingLeft(folder: string, metric: string, leftOut: readonly { readonly reason: string }[]): string {
  const reasons = [...new Set(leftOut.map(({ reason }) => reason))].join('; ')
  return `no run in ${folder} has a ${metric} to show${reasons === '' ? '' : `: ${reasons}`}`
}
