/** weir side: this build as one side of a gate, told what to do on its standard input. For weir gate, not for people. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Question } from '../replay/gate/protocol.js'
import { GateSide } from '../replay/gate/side.js'
import { temporaryPrefix } from '../stores/temporary.js'
import { defineCommand } from './command.js'

export const side = defineCommand({
  name: 'side',
  summary: 'One side of weir gate: answers its questions, a line of JSON each.',
  options: {},
  positionals: [],
  targetOptions: false,
  examples: [],

  async handler(_values, { print, signal }) {
    const scratch = await mkdtemp(join(tmpdir(), temporaryPrefix('gate')))
    const ended = new AbortController()
    const gateSide = new GateSide(scratch, ended.signal)
    const lines = createInterface(process.stdin)
    // The gate ends a side by closing its input, and so does the gate's own end. What is under way then is broken off.
    lines.once('close', () => ended.abort(new Error('the gate has ended')))
    signal.addEventListener('abort', () => lines.close(), { once: true })
    try {
      for await (const line of lines) {
        const answer = await gateSide.answer(JSON.parse(line) as Question).catch((error: unknown) => ({
          error: error instanceof Error ? error.message : String(error),
        }))
        await print(`${JSON.stringify(answer)}\n`)
      }
    } finally {
      await gateSide.close()
      await rm(scratch, { recursive: true, force: true })
    }
    return { status: 0, output: '' }
  },
})
