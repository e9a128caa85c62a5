/** What a crash left on this machine: folders of Weir's among the temporary files, and servers that still run in them. */
import { readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { makerOf } from '../stores/temporary.js'
import { type Process, processes } from './processes.js'

export interface Leftover {
  readonly path: string
  readonly createdMs: number
  /** Processes that still run in it. */
  readonly servers: readonly Process[]
}

/** A program that may own such a folder: Weir itself, its tests and benchmarks. */
const owner = /(?:\/cli\/main\.js|\.test\.js|\/weir|\/scripts\/[\w/]*\.js)(?:\s|$)/

/** The copy of the embedded Postgres that a user other than root can reach: made once, used by every run. */
const cache = 'weir-postgres-binaries-'

/**
 * Folders `weir-*` whose maker is no more. A name may say which process that was; where it does not, no living program of
 * Weir's can be the one if all of them began later than the folder.
 */
export function leftovers(folder = tmpdir(), running: readonly Process[] = processes()): readonly Leftover[] {
  const owners = running.filter(({ command }) => owner.test(command))
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (!entry.isDirectory() || !entry.name.startsWith('weir-') || entry.name.startsWith(cache)) return []
    const path = join(folder, entry.name)
    const createdMs = created(path)
    // A second of slack: the two clocks are not the same.
    if (createdMs === undefined) return []
    const maker = makerOf(entry.name)
    const candidates = maker === undefined ? owners : running.filter(({ pid }) => pid === maker)
    if (candidates.some(({ startedMs }) => startedMs <= createdMs + 1000)) return []
    return [{ path, createdMs, servers: running.filter((candidate) => mentions(candidate.command, path)) }]
  })
}

/** Stops what still runs in the folder, then removes it. */
export async function removeLeftover({ path, servers }: Leftover): Promise<void> {
  // SIGQUIT is how Postgres is told to stop at once; a server that stays is killed.
  for (const signal of ['SIGQUIT', 'SIGKILL'] as const) {
    for (const { pid } of servers) if (alive(pid, path)) process.kill(pid, signal)
    for (let waited = 0; waited < 5000 && servers.some(({ pid }) => alive(pid, path)); waited += 50) await delay(50)
  }
  rmSync(path, { recursive: true, force: true })
}

function created(path: string): number | undefined {
  try {
    const { birthtimeMs, mtimeMs } = statSync(path)
    return birthtimeMs > 0 ? Math.min(birthtimeMs, mtimeMs) : mtimeMs
  } catch {
    return undefined
  }
}

function mentions(command: string, path: string): boolean {
  return command.split(/[\s=]/).some((word) => word === path || word.startsWith(`${path}/`))
}

/** Looked up anew: a process number may have passed to somebody else. */
function alive(pid: number, path: string): boolean {
  return processes().some((candidate) => candidate.pid === pid && mentions(candidate.command, path))
}
