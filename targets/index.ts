/** The registry of targets: adding one is its file or folder and a line here. */
import { multiInstance } from './multi-instance/multi-instance.js'
import { receiver } from './receiver/receiver.js'
import { rowAtATime } from './row-at-a-time/row-at-a-time.js'
import { singleThread } from './single-thread.js'
import type { TargetModule } from './target.js'
import { workerPool } from './worker-pool/worker-pool.js'

/** In the order in which tables show them. */
export const targets: readonly TargetModule[] = [rowAtATime, singleThread, workerPool, multiInstance, receiver]

/** What every run on a real store is compared with, measured beside the others on a bounded sample. */
export const baselineTarget: TargetModule = rowAtATime

/**
 * What is measured when nobody names targets: all but the baseline, which would take minutes for what the others take seconds,
 * and the receiver, which is a system of its own and would make the first table that somebody sees a third longer in coming.
 */
export const defaultTargets: readonly TargetModule[] = targets.filter((target) => target !== baselineTarget && target !== receiver)

export function findTarget(name: string): TargetModule | undefined {
  return targets.find((target) => target.name === name)
}
