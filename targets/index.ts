/** The registry of targets: adding one is its file or folder and a line here. */
import { multiInstance } from './multi-instance/multi-instance.js'
import { rowAtATime } from './row-at-a-time/row-at-a-time.js'
import { singleThread } from './single-thread.js'
import type { TargetModule } from './target.js'
import { workerPool } from './worker-pool/worker-pool.js'

/** In the order in which tables show them; the first is the baseline that the others are compared with. */
export const targets: readonly TargetModule[] = [rowAtATime, singleThread, workerPool, multiInstance]

export function findTarget(name: string): TargetModule | undefined {
  return targets.find((target) => target.name === name)
}
