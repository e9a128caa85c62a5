/** What `weir capacity` was asked for, as plain data: nothing here knows of flags. */
import type { Plan } from '../plan.js'

export interface CapacityPlan {
  /** Targets, stores, stream and layout; its length, rate and legs mean nothing here. */
  readonly plan: Plan
  /** A rate is sustained while p99 from due to stored is within this, milliseconds. */
  readonly limitMs: number
  /** Half of the interval as a share of the capacity at which the search ends. */
  readonly precision: number
  /** Time for the probes of one search, milliseconds. */
  readonly budgetMs: number
}
