/** The options of `weir serve processor`, and the settings that they make. */
import { type ProcessorSettings, processorDefaults } from '../services/processor/server.js'
import { toggle, type Values, value } from './command.js'
import { parseDuration } from './quantities.js'
import { keysOf, objectsOf, type receiverOptions } from './receiver-options.js'

export const processorOptions = {
  'remove-objects': toggle({ summary: 'processor: remove objects once their rows are stored', rare: true }),
  lease: value({
    placeholder: 'TIME',
    summary: 'processor: after which what a dead one had in hand is taken over (5s)',
    rare: true,
    parse: parseDuration,
  }),
  poll: value({ placeholder: 'TIME', summary: 'processor: how often it looks for objects (250ms)', rare: true, parse: parseDuration }),
} as const

type Given = Values<typeof processorOptions> & Pick<Values<typeof receiverOptions>, 'objects' | 'keys' | 'key-file'>

/** @throws UsageError that names the option */
export async function processorSettings(given: Given, cwd: string): Promise<ProcessorSettings> {
  return {
    objects: objectsOf(given, cwd),
    keys: await keysOf(given, cwd),
    leaseMs: given.lease ?? processorDefaults.leaseMs,
    pollMs: given.poll ?? processorDefaults.pollMs,
    removes: given['remove-objects'] ?? processorDefaults.removes,
  }
}
