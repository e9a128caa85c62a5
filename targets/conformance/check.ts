/** A check of the suite: one promise of every target, on every store where it means something. */
import type { TargetModule } from '../target.js'
import type { Ground } from './ground.js'

export interface Check {
  readonly name: string
  /** Why there is nothing to check; undefined when there is. */
  empty?(module: TargetModule, ground: Ground): string | undefined
  /** Throws what is wrong; returns what a reader of the matrix should know of a check that passed, or why there was nothing to check after all. */
  run(module: TargetModule, ground: Ground): Promise<string | undefined | { readonly empty: string }>
}

/** For checks that need a store which can be locked or cut off. */
export const noHold = (_: TargetModule, ground: Ground): string | undefined =>
  ground.keeps ? undefined : `the ${ground.name} store has no tables to lock and no connections to lose`

/** What a check that passed without an audit says. */
export const unaudited = (ground: Ground): string | undefined =>
  ground.keeps ? undefined : `ledger only: the ${ground.name} store keeps nothing to audit`
