import { defineCommand } from './command.js'
export const clean = defineCommand({
  name: 'clean',
  summary: 'x',
  options: {},
  positionals: [],
  targetOptions: false,
  examples: [],
  async handler() {
    return { status: 0, output: '' }
  },
})
