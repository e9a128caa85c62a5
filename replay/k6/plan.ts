/** What `weir k6` was asked for, as plain data. */
import type { ReceiverSettings } from '../../services/receiver/server.js'
import type { Plan, PlannedStore } from '../plan.js'
import type { K6Script } from './scripts.js'

/** The values of a script's settings; those that mean nothing to it are absent. */
export interface K6Values {
  /** Records per second; of bursts: between them. */
  readonly rate?: number
  /** Times that rate in a burst. */
  readonly peak?: number
  readonly burstMs?: number
  readonly everyMs?: number
  /** Requests that are due at once. */
  readonly submissions?: number
  /** Questions per second. */
  readonly questions?: number
  /** Records in a request. */
  readonly lines?: number
  readonly durationMs: number
  readonly connections: number
  /** Threshold on due to answered; null: none. */
  readonly p99Ms: number | null
}

export interface K6Plan
  extends Pick<Plan, 'seed' | 'partitionKey' | 'partitions' | 'durability' | 'keep' | 'dataDirectory' | 'out' | 'label'> {
  readonly script: K6Script
  readonly values: K6Values
  readonly store: PlannedStore
  /** Rows that are there to be asked about when nothing but questions are sent. */
  readonly rows: number
  readonly receiver: Pick<ReceiverSettings, 'acknowledgement' | 'batchRecords' | 'batchMs'>
  /** Processes that take lines, and those that turn objects into rows. */
  readonly instances: number
  readonly processors: number
  /** A k6 to run instead of the one that is found; null: look for one. */
  readonly binary: string | null
  /** Lines are rendered beforehand, as for a k6 without the extension, whatever k6 there is. */
  readonly stock: boolean
}
