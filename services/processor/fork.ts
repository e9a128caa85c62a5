/** Starts a processor in a child process. */
import { type ForkedService, forkService } from '../fork.js'
import { type ProcessorOrders, processorProcess } from './process.js'
import type { DoneObject } from './processing.js'

export interface ProcessorHooks {
  onDone(done: DoneObject): void
  onTrouble(message: string): void
  /** It has ended without being asked to. */
  onLost(): void
}

/**
 * Resolves when the child listens and works.
 * @throws Error that says what was wrong; no child is left then
 */
export function forkProcessor(orders: ProcessorOrders, { onDone, ...hooks }: ProcessorHooks): Promise<ForkedService> {
  return forkService({ name: 'processor', program: processorProcess, orders, onNews: onDone, ...hooks })
}
