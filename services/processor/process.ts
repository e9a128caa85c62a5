/** The processor in a process of its own: tells its parent of each object that became rows. */
import { fileURLToPath } from 'node:url'
import { openStore } from '../../stores/index.js'
import type { StoreAddress } from '../../stores/store.js'
import { serveParent } from '../own-process.js'
import type { DoneObject } from './processing.js'
import { type ProcessorSettings, startProcessor } from './server.js'

export const processorProcess = fileURLToPath(import.meta.url)

/** Without keys, which are no plain data. */
export interface ProcessorOrders {
  readonly settings: Omit<ProcessorSettings, 'keys'>
  /** Of tables that are prepared. */
  readonly address: StoreAddress
  readonly host: string
  readonly port: number
  readonly token?: string
}

if (process.argv[1] === processorProcess) {
  serveParent<ProcessorOrders, DoneObject>(async ({ settings, address, ...rest }, { trouble, news }) => {
    const store = await openStore(address)
    try {
      const service = await startProcessor({
        ...rest,
        store,
        settings: { ...settings, keys: undefined },
        onDone: news,
        onTrouble: trouble,
      })
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
