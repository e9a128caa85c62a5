/** One instance of a receiver that has several: told by its parent where to listen, and gone with it. */
import { fileURLToPath } from 'node:url'
import { Keyring } from '../../../objects/keys.js'
import { type RunningReceiver, startReceiver } from '../server.js'
import type { Count, Siblings } from '../siblings.js'
import type { FromInstance, InstanceOrders, Question, ToInstance } from './messages.js'

export const instancePath = fileURLToPath(import.meta.url)

function say(message: FromInstance): void {
  if (process.connected) process.send?.(message, () => undefined)
}

/** Its siblings, as the parent knows them. */
class Family implements Siblings {
  private asked = 0
  private readonly waiting = new Map<number, (answer: Count | string) => void>()

  count(address: string): Promise<Count> {
    return this.ask({ kind: 'count', address }) as Promise<Count>
  }

  metrics(): Promise<string> {
    return this.ask({ kind: 'metrics' }) as Promise<string>
  }

  answered(id: number, answer: Count | string): void {
    this.waiting.get(id)?.(answer)
    this.waiting.delete(id)
  }

  private ask(question: Question): Promise<Count | string> {
    const id = ++this.asked
    return new Promise((done) => {
      this.waiting.set(id, done)
      say({ kind: 'question', id, question })
    })
  }
}

function begin({ settings, keys, token, place }: InstanceOrders, siblings: Siblings): Promise<RunningReceiver> {
  return startReceiver({
    settings: { ...settings, keys: keys === undefined ? undefined : new Keyring(keys) },
    ...(place.kind === 'address' ? place : { host: '', port: 0, socket: place.path }),
    token,
    siblings,
    onTrouble: (message) => say({ kind: 'trouble', message }),
  })
}

if (process.send !== undefined && process.argv[1] === instancePath) {
  const family = new Family()
  let running: Promise<RunningReceiver> | undefined
  process.on('message', (message: ToInstance) => {
    if (message.kind === 'answer') family.answered(message.id, message.answer)
    if (message.kind === 'report')
      void running?.then(async (receiver) => say({ kind: 'report', id: message.id, metrics: await receiver.metrics() }))
    if (message.kind === 'stop') {
      if (running === undefined) process.exit(0)
      running
        .then((receiver) => receiver.close())
        .then(
          () => process.exit(0),
          () => process.exit(1),
        )
    }
    if (message.kind !== 'begin') return
    running = begin(message.orders, family)
    running.then(
      () => say({ kind: 'listening' }),
      (error: unknown) => {
        say({ kind: 'trouble', message: error instanceof Error ? error.message : String(error) })
        process.exitCode = 1
        process.disconnect()
      },
    )
  })
  // The parent's end, however it ended, is this one's too: what was acknowledged lies in journals.
  process.on('disconnect', () => process.exit())
  // Signals that a terminal or a service manager sends to all are the parent's to act on.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined)
  say({ kind: 'here' })
}
