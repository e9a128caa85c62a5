/** weir side: one side of a gate, started by `weir gate` and by nobody else; it takes its orders from stdin. */
import { serveSide } from '../replay/gate/serve-side.js'
import { defineCommand } from './command.js'

export const side = defineCommand({
  name: 'side',
  summary: 'One side of a gate; weir gate starts it.',
  options: {},
  positionals: [],
  targetOptions: false,
  examples: [],

  async handler(_values, { print }) {
    await serveSide(process.stdin, print)
    return { status: 0, output: '' }
  },
})
