/** weir doctor: says what this machine can run, what is missing, and what to do about it. */
import { defineCommand, toggle } from './command.js'
import { examine } from './examination.js'

const marks = { good: 'ok', note: 'note', missing: 'MISSING' } as const

export const doctor = defineCommand({
  name: 'doctor',
  summary: 'Says what this machine can run, and what is missing.',
  options: { json: toggle({ summary: 'print one JSON document' }) },
  positionals: [],
  targetOptions: false,
  examples: ['weir doctor'],

  async handler({ json }) {
    const findings = await examine()
    const works = findings.every(({ state }) => state !== 'missing')
    const status = works ? 0 : 1
    if (json) return { status, output: `${JSON.stringify({ works, findings })}\n` }
    const width = Math.max(...findings.map(({ name }) => name.length)) + 2
    const lines = findings.flatMap(({ name, state, text, remedy }) => [
      `${marks[state].padEnd(9)}${name.padEnd(width)}${text}`,
      ...(remedy === undefined ? [] : [`${' '.repeat(9 + width)}-> ${remedy}`]),
    ])
    return { status, output: `${lines.join('\n')}\n\n${works ? 'weir run works here' : 'weir run does not work here yet'}\n` }
  },
})
