/** A hand on a store from outside, for checks of what a target does when its store makes it wait or is lost. */
import type { StoreAddress } from '../../stores/store.js'

export interface Outside {
  /** Where runs find the store, so that this hand is on it. */
  readonly url: string
  /** Numbers of Weir's connections. */
  connections(): Promise<readonly number[]>
  /** Waits until no connection of Weir's is there but these. */
  onlyConnections(before: readonly number[]): Promise<void>
  /** How many of Weir's connections are kept waiting by `lockRows`. */
  blocked(): Promise<number>
  cut(connections: readonly number[]): Promise<void>
  /** Lets nobody write rows of a run, until the returned function is called (any number of times). */
  lockRows(address: StoreAddress): Promise<() => Promise<void>>
  close(): Promise<void>
}
