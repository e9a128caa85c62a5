/** weir list: what there is to choose from, a sentence each. */
import { k6Scripts } from '../replay/k6/scripts.js'
import { services } from '../services/index.js'
import { profiles, scenarios, stores, targets } from './catalogue.js'
import { defineCommand, toggle } from './command.js'

interface Entry {
  readonly name: string
  readonly summary: string
}

export const list = defineCommand({
  name: 'list',
  summary: 'Names targets, stores, scenarios, profiles, services and k6 scripts.',
  options: { json: toggle({ summary: 'print one JSON document' }) },
  positionals: [],
  targetOptions: false,
  examples: ['weir list'],

  async handler({ json }) {
    const pick = (entries: readonly Entry[]): readonly Entry[] => entries.map(({ name, summary }) => ({ name, summary }))
    const all = {
      targets: pick(targets),
      stores: pick(stores),
      scenarios: pick(scenarios),
      profiles: pick(profiles),
      services: pick(services),
      k6: pick(k6Scripts),
    }
    if (json) return { status: 0, output: `${JSON.stringify(all)}\n` }
    const width = Math.max(...Object.values(all).flatMap((entries) => entries.map(({ name }) => name.length))) + 4
    const sections = Object.entries(all).map(([title, entries]) =>
      [title, ...entries.map(({ name, summary }) => `  ${name.padEnd(width - 2)}${summary}`)].join('\n'),
    )
    return { status: 0, output: `${sections.join('\n\n')}\n` }
  },
})
