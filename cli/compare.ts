/** weir compare: says of two sets of results which was faster, how sure that is, and whether they may be compared at all. */
import { resolve } from 'node:path'
import { type Comparison, compare as compareSides, type Side } from '../results/compare.js'
import { renderComparison, renderRefusals } from '../results/compare-table.js'
import { defaultFolder } from '../results/write.js'
import { defineCommand, toggle, value } from './command.js'
import { UsageError } from './errors.js'
import { parseShare } from './quantities.js'
import { sideNamed } from './results-named.js'

const defaultMinEffect = 0.05

export const compare = defineCommand({
  name: 'compare',
  summary: 'Compares results: faster, slower, no difference, or cannot tell.',
  options: {
    a: value({ placeholder: 'A', summary: 'file, folder, quoted pattern, or label: what B is compared with', parse: (text) => text }),
    b: value({ placeholder: 'B', summary: 'the other side; the words say what B is', parse: (text) => text }),
    'min-effect': value({ placeholder: 'SHARE', summary: 'the smallest difference that matters (5%)', parse: parseShare }),
    force: toggle({ summary: 'print it even if they may not be compared' }),
    out: value({ placeholder: 'DIR', summary: `where labels are looked for (${defaultFolder})`, parse: (text) => text }),
    json: toggle({ summary: 'print the comparison as one JSON document' }),
  },
  positionals: ['a', 'b'],
  targetOptions: false,
  examples: [
    'weir compare before.json after.json',
    "weir compare 'main/*.json' 'mine/*.json'",
    'weir compare monday tuesday --min-effect 2%',
  ],

  async handler(values, { cwd, display, notice }) {
    const { a: left, b: right } = values
    if (left === undefined || right === undefined) {
      throw new UsageError('name two sides: weir compare A B, each a file, a folder, a quoted pattern, or a label')
    }
    const places = { cwd, out: values.out ?? defaultFolder, notice }
    const [a, b] = [await sideNamed(left, places), await sideNamed(right, places)]
    refuseShared(a, b, cwd)
    const comparison = compareSides(a, b, values['min-effect'] ?? defaultMinEffect)
    const refused = comparison.refusals.length > 0 && values.force !== true
    if (values.json)
      return {
        status: refused || comparison.rows.length === 0 ? 2 : 0,
        output: `${JSON.stringify({ schema: 1, ...comparison }, null, 2)}\n`,
      }
    if (refused) throw new UsageError(renderRefusals(comparison))
    refuseEmpty(comparison)
    return { status: 0, output: renderComparison(comparison, display) }
  },
})

/** A result on both sides would be compared with itself. */
function refuseShared(a: Side, b: Side, cwd: string): void {
  const files = new Set(a.results.map(({ file }) => resolve(cwd, file)))
  const both = b.results.filter(({ file }) => files.has(resolve(cwd, file)))
  if (both.length > 0) {
    throw new UsageError(
      `A and B both have ${both[0]?.file ?? ''}${both.length > 1 ? ` and ${both.length - 1} more` : ''}: nothing differs from itself`,
    )
  }
}

function refuseEmpty({ rows, onlyInA, onlyInB, leftOut }: Comparison): void {
  if (rows.length > 0) return
  const names = (keys: Comparison['onlyInA']) =>
    keys.map(({ target, store, scenario }) => `${target} on ${store}, ${scenario}`).join('; ') || 'nothing that can be compared'
  const left = leftOut.map(({ target, file, reason }) => `\n  left out: ${target} in ${file}: ${reason}`).join('')
  throw new UsageError(`no target, store and scenario is in both:\n  A has ${names(onlyInA)}\n  B has ${names(onlyInB)}${left}`)
}
