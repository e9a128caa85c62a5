/** weir compare: says of two sets of results which was faster, how sure that is, and whether they may be compared at all. */
import { compare as compareSides } from '../results/compare.js'
import { renderComparison, renderRefusals } from '../results/compare-table.js'
import { defaultFolder } from '../results/write.js'
import { defineCommand, toggle, value } from './command.js'
import { UsageError } from './errors.js'
import { parseShare } from './quantities.js'
import { refuseEmpty, sidesNamed } from './results-named.js'

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
    const [a, b] = await sidesNamed([left, right], places)
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
