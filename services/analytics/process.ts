/** The analytics service in a process of its own. */
import { fileURLToPath } from 'node:url'
import { openStore } from '../../stores/index.js'
import type { StoreAddress } from '../../stores/store.js'
import { serveParent } from '../own-process.js'
import { startAnalytics } from './server.js'

export const analyticsProcess = fileURLToPath(import.meta.url)

export interface AnalyticsOrders {
  readonly address: StoreAddress
  readonly host: string
  readonly port: number
  readonly token?: string
}

if (process.argv[1] === analyticsProcess) {
  serveParent<AnalyticsOrders>(async ({ address, ...rest }, { trouble }) => {
    const store = await openStore(address)
    try {
      const service = await startAnalytics({ store, ...rest, onTrouble: trouble })
      return {
        url: service.url,
        async close() {
          await service.close()
          await store.close()
        },
      }
    } catch (error) {
      await store.close()
      throw error
    }
  })
}
