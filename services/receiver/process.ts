/** The receiver in a process of its own. */
import { fileURLToPath } from 'node:url'
import { serveParent } from '../own-process.js'
import { type ReceiverSettings, startReceiver } from './server.js'

export const receiverProcess = fileURLToPath(import.meta.url)

/** Without keys and certificates, which are no plain data. */
export interface ReceiverOrders {
  readonly settings: Omit<ReceiverSettings, 'keys' | 'tls'>
  readonly host: string
  readonly port: number
  readonly token?: string
}

if (process.argv[1] === receiverProcess) {
  serveParent<ReceiverOrders>(({ settings, ...rest }, { trouble }) =>
    startReceiver({ ...rest, settings: { ...settings, keys: undefined, tls: undefined }, onTrouble: trouble }),
  )
}
