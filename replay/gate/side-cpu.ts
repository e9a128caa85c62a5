/** CPU time of a side: its own process and the processes of its target, those that have ended included. */
import { cpuSeconds, endedSeconds } from '../accounts/proc.js'

/** CPU seconds so far, of this process with its threads and of its children; `pids` are those that still run. */
export function cpuSecondsWith(pids: readonly number[]): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6 + childrenSeconds(pids)
}

/**
 * CPU seconds so far of this process's children: those that run, and those that have ended. A child that ends moves to its
 * parent's account with all that it ever used (proc(5): cutime, cstime), in the same moment in which it can no longer be
 * read, so that none counts twice and the sum never falls. To a hundredth of a second. Without /proc: 0.
 */
export function childrenSeconds(pids: readonly number[]): number {
  const running = [...new Set(pids)].reduce((sum, pid) => sum + (cpuSeconds(pid) ?? 0), 0)
  return running + (endedSeconds(process.pid) ?? 0)
}
