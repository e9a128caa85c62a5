/** A processor in a process of its own: told by its parent what to do, and gone with it. */
import { fileURLToPath } from 'node:url'
import { Keyring } from '../../objects/keys.js'
import { openStore } from '../../stores/index.js'
import type { Store } from '../../stores/store.js'
import type { FromProcessor, ProcessorOrders, ToProcessor } from './messages.js'
import { type RunningProcessor, startProcessor } from './server.js'

export const processorProcess = fileURLToPath(import.meta.url)

function say(message: FromProcessor): void {
  if (process.connected) process.send?.(message, () => undefined)
}

async function begin({ settings, keys, address, ...rest }: ProcessorOrders): Promise<{ service: RunningProcessor; store: Store }> {
  const store = await openStore(address)
  try {
    const service = await startProcessor({
      ...rest,
      store,
      settings: { ...settings, keys: keys === undefined ? undefined : new Keyring(keys) },
      onDone: (done) => say({ kind: 'done', done }),
      onTrouble: (message) => say({ kind: 'trouble', message }),
    })
    return { service, store }
  } catch (error) {
    await store.close()
    throw error
  }
}

// Only a child process with a channel is one; its parent imports this file for its path.
if (process.send !== undefined && process.argv[1] === processorProcess) {
  let running: ReturnType<typeof begin> | undefined
  process.on('message', (message: ToProcessor) => {
    if (message.kind === 'rouse') void running?.then(({ service }) => service.rouse()).catch(() => undefined)
    if (message.kind === 'stop') {
      if (running === undefined) process.exit(0)
      running
        .then(async ({ service, store }) => {
          await service.close()
          await store.close()
        })
        .finally(() => process.exit(0))
    }
    if (message.kind !== 'begin') return
    running = begin(message.orders)
    running.then(
      ({ service }) => say({ kind: 'listening', url: service.url }),
      (error: unknown) => {
        say({ kind: 'trouble', message: error instanceof Error ? error.message : String(error) })
        process.exitCode = 1
        process.disconnect()
      },
    )
  })
  // The parent's end, however it ended, is this one's too: what was in hand is taken over.
  process.on('disconnect', () => process.exit())
  // Signals that a terminal or a service manager sends to all are the parent's to act on.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined)
}
