/** Starts a receiver in a child process. */
import { type ForkedService, forkService } from '../fork.js'
import { type ReceiverOrders, receiverProcess } from './process.js'

/** Storing what was taken may take as long as the disk is full. */
const graceMs = 120_000

export interface ReceiverHooks {
  onTrouble(message: string): void
  /** It has ended without being asked to. */
  onLost(): void
}

/**
 * Resolves when the child listens. Told to stop, it stores all that it has taken first.
 * @throws Error that says what was wrong; no child is left then
 */
export function forkReceiver(orders: ReceiverOrders, hooks: ReceiverHooks): Promise<ForkedService> {
  return forkService({ name: 'receiver', program: receiverProcess, orders, graceMs, ...hooks })
}
