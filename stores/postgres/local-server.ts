/** Whether a given server runs on this machine, and then its process and its folder: proven by the file that it keeps in that folder. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type pg from 'pg'

export interface LocalServer {
  readonly pid: number
  readonly folder: string
}

/** The file says when the server was started; the server itself begins its count a little later. */
const startedWithinSeconds = 60

/**
 * Undefined when it runs elsewhere, or that cannot be told: only some users may ask a server for its folder, and only its
 * own user and root may look into it. A server in a container names a folder of the container's, where there is no such
 * file, or one of another server that was started at another time.
 */
export async function localServer(client: pg.Client): Promise<LocalServer | undefined> {
  try {
    const { rows } = await client.query<{ folder: string; started: number }>(
      `SELECT current_setting('data_directory') AS folder, extract(epoch FROM pg_postmaster_start_time())::float8 AS started`,
    )
    const { folder, started } = rows[0] ?? { folder: '', started: 0 }
    // Number of its process, folder, seconds since 1970 when it was started, ...
    const [pid, , since] = (await readFile(join(folder, 'postmaster.pid'), 'utf8')).split('\n').map(Number)
    if (pid === undefined || since === undefined || Math.abs(started - since) > startedWithinSeconds) return undefined
    return (await isPostgres(pid)) ? { pid, folder } : undefined
  } catch {
    return undefined
  }
}

/** The server's process and those that it has made; empty when it has ended or the system does not tell. */
export async function processesOf(pid: number): Promise<readonly number[]> {
  try {
    const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'latin1')
    return [pid, ...children.trim().split(' ').filter(Boolean).map(Number)]
  } catch {
    return []
  }
}

/** Another program may have been given the number of one that has ended. */
async function isPostgres(pid: number): Promise<boolean> {
  return (await readFile(`/proc/${pid}/comm`, 'latin1')).trim() === 'postgres'
}
