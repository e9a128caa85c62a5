/** Starts the analytics service in a child process: the separated service, beside an ingestion that shares only the store. */
import { type ForkedService, forkService } from '../fork.js'
import { type AnalyticsOrders, analyticsProcess } from './process.js'

/**
 * Resolves when the child listens.
 * @param onTrouble told what goes wrong with the store
 * @throws Error that says what was wrong; no child is left then
 */
export function forkAnalytics(orders: AnalyticsOrders, onTrouble: (message: string) => void = () => undefined): Promise<ForkedService> {
  return forkService({ name: 'analytics service', program: analyticsProcess, orders, onTrouble })
}
