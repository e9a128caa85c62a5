/** The analytics service in a process of its own: told by its parent what to serve, and gone with it. */
import { fileURLToPath } from 'node:url'
import { openStore } from '../../stores/index.js'
import type { Store, StoreAddress } from '../../stores/store.js'
import type { RunningService } from '../service.js'
import { startAnalytics } from './server.js'

export const analyticsProcess = fileURLToPath(import.meta.url)

export interface AnalyticsOrders {
  readonly address: StoreAddress
  readonly host: string
  readonly port: number
  readonly token?: string
}

export type ToAnalytics = { readonly kind: 'begin'; readonly orders: AnalyticsOrders } | { readonly kind: 'stop' }
export type FromAnalytics = { readonly kind: 'listening'; readonly url: string } | { readonly kind: 'trouble'; readonly message: string }

function say(message: FromAnalytics): void {
  if (process.connected) process.send?.(message, () => undefined)
}

async function begin({ address, ...rest }: AnalyticsOrders): Promise<{ readonly service: RunningService; readonly store: Store }> {
  const store = await openStore(address)
  try {
    return { store, service: await startAnalytics({ store, ...rest, onTrouble: (message) => say({ kind: 'trouble', message }) }) }
  } catch (error) {
    await store.close()
    throw error
  }
}

if (process.argv[1] === analyticsProcess) {
  let running: ReturnType<typeof begin> | undefined
  process.on('message', (message: ToAnalytics) => {
    if (message.kind === 'begin') {
      running ??= begin(message.orders)
      running.then(
        ({ service }) => say({ kind: 'listening', url: service.url }),
        (error: unknown) => {
          say({ kind: 'trouble', message: error instanceof Error ? error.message : String(error) })
          process.disconnect()
        },
      )
      return
    }
    void running
      ?.then(async ({ service, store }) => {
        await service.close()
        await store.close()
      })
      .finally(() => process.exit(0))
  })
  // The parent's end, however it ended, is this one's too; Ctrl-C at the terminal is the parent's to act on.
  process.on('disconnect', () => process.exit(0))
  process.on('SIGINT', () => undefined)
}
