import { defineCommand } from './command.js'
export const doctor = defineCommand({
  name: 'doctor',
  summary: 'x',
  options: {},
  positionals: [],
  targetOptions: false,
  examples: [],
  async handler() {
    return { status: 0, output: '' }
  },
})
