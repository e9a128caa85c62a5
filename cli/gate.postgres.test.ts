/** weir gate --baseline, told to stop when all is measured and the audits are not done. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { AnyCommand, Context } from './command.js'
import { Interrupted } from './errors.js'
import { flagLayer } from './flags.js'
import { gate } from './gate.js'
import { run } from './run.js'
import { read, Settings } from './settings.js'

/** What the program would do with these words in this folder, told to stop when it begins this. */
async function weir(folder: string, command: AnyCommand, words: readonly string[], until?: string): Promise<string> {
  const settings = new Settings([flagLayer(words, command.options, command.positionals, command.name)])
  const values: Record<string, unknown> = {}
  for (const [key, option] of Object.entries(command.options)) {
    const given = settings.find(key)
    if (given) values[key] = option.kind === 'switch' ? given.text === 'true' : read(given, option.parse)
  }
  const stop = new AbortController()
  const context: Context = {
    print: async () => {},
    notice: () => {},
    progress: (_line, label) => {
      if (label === until) stop.abort()
    },
    ask: async () => undefined,
    signal: stop.signal,
    cwd: folder,
    display: { tty: false, columns: 120 },
    settings,
  }
  const { output } = await command.handler(values, context)
  return output
}

test('a gate that is told to stop during the audits does not pass', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'weir-gate-test-'))
  try {
    const words = ['-t', 'single-thread', '-s', 'postgres', '-n', '20k', '--durability', 'process', '--no-latency-leg', '--json']
    writeFileSync(join(folder, 'baseline.json'), await weir(folder, run, words))
    const ended = await weir(folder, gate, ['--baseline', 'baseline.json'], 'auditing row-at-a-time').catch((error: unknown) => error)
    assert.instance(ended, Interrupted)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

test.run()
