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

/**
 * Weir's temporary folders whose maker is no more: their names say which process that was. A folder of another name is
 * somebody's own, whatever it begins with.
 */
export function leftovers(folder = tmpdir(), running: readonly Process[] = processes()): readonly Leftover[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const maker = makerOf(entry.name)
    if (!entry.isDirectory() || maker === undefined) return []
    const path = join(folder, entry.name)
    const createdMs = created(path)
    if (createdMs === undefined) return []
    // A second of slack: the two clocks are not the same.
    if (running.some(({ pid, startedMs }) => pid === maker && startedMs <= createdMs + 1000)) return []
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
