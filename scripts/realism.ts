/** Prints how the profile `web` compares with a real log: `node dist/scripts/realism.js [--records 10000,1000000]`, WEIR_REAL_LOGS naming the folder. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import Table from 'cli-table3'
import { profileNamed } from '../generators/profiles.js'
import { Renderer } from '../generators/renderer.js'
import type { StreamSpec } from '../generators/source.js'
import { type Growth, growth } from './realism-growth.js'
import { type Feature, features, isNear, type Likeness, measure, windowLines } from './realism-measure.js'

const { values } = parseArgs({
  options: {
    records: { type: 'string', default: '10000,20000,1000000,100000000' },
    seed: { type: 'string', default: '1' },
    grow: { type: 'string' },
  },
})
const spec: StreamSpec = {
  kind: 'stream',
  source: 1,
  profile: 'web',
  seed: values.seed,
  format: 'combined',
  ...profileNamed('web').defaults,
}

const lengths = counts(values.records)
const windows = lengths.map((length) => generated(length))
const real = realLog()
print(real, windows)
printGrowth(growth(spec, counts(values.grow ?? '10000,100000,1000000,10000000')))

function counts(list: string): readonly number[] {
  const numbers = list.split(',').map(Number)
  if (numbers.some((n) => !Number.isInteger(n) || n < windowLines)) {
    throw new Error(`${list} is not a list of whole numbers of at least ${windowLines}, separated by commas`)
  }
  return numbers.sort((a, b) => a - b)
}

/** The last window of the first `length` records. */
function generated(length: number): Likeness {
  const renderer = new Renderer(spec, windowLines * 1024)
  return measure(renderer.render(length - windowLines, windowLines).bytes)
}

function realLog(): Likeness | undefined {
  const folder = process.env['WEIR_REAL_LOGS']
  if (folder === undefined) {
    console.error('WEIR_REAL_LOGS names no folder with apache-combined-10k.log: there is nothing real to compare with')
    return undefined
  }
  return measure(readFileSync(join(folder, 'apache-combined-10k.log')))
}

function print(real: Likeness | undefined, windows: readonly Likeness[]): void {
  const first = real ?? windows[0]
  if (first === undefined) return
  const table = new Table({
    head: ['', ...(real ? ['real'] : []), ...lengths.map((length) => `up to ${length.toLocaleString('en')}`)],
    colAligns: ['left', ...windows.map(() => 'right' as const), 'right'],
    style: { head: [], border: [] },
  })
  for (const feature of features(first)) {
    const cells = windows.map((window) => format(feature, window) + (real && !isNear(feature, real, window) ? ' !' : ''))
    table.push([feature.name, ...(real ? [format(feature, real)] : []), ...cells])
  }
  console.log(`Windows of ${windowLines.toLocaleString('en')} lines; "!" marks what is not within 25% of the real log.\n${table}`)
}

function format({ unit, value }: Feature, likeness: Likeness): string {
  const number = value(likeness)
  return unit === 'share' ? `${(number * 100).toFixed(2)}%` : unit === 'count' ? number.toLocaleString('en') : number.toFixed(2)
}

function printGrowth(grown: readonly Growth[]): void {
  const table = new Table({
    head: ['first records', 'addresses', 'requests', 'agents', 'referrers'],
    colAligns: ['right', 'right', 'right', 'right', 'right'],
    style: { head: [], border: [] },
  })
  for (const { records, addresses, requests, agents, referrers } of grown) {
    table.push([records, addresses, requests, agents, referrers].map((n) => n.toLocaleString('en')))
  }
  console.log(`Distinct values among the first records.\n${table}`)
}
