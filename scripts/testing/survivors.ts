/** Finds processes that a test left behind: those of its process group, and those that inherited its mark but moved to another. */
import { readdir, readFile } from 'node:fs/promises'

export interface Survivor {
  readonly pid: number
  readonly command: string
}

/** @param mark a `NAME=value` that the test's environment holds. Where there is no /proc only the group is asked. */
export async function survivors(group: number, mark: string): Promise<readonly Survivor[]> {
  if (process.platform !== 'linux') return groupAlive(group) ? [{ pid: group, command: '(a process of the group)' }] : []
  const found: Survivor[] = []
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const survivor = await inspect(Number(name), group, mark)
    if (survivor) found.push(survivor)
  }
  return found
}

async function inspect(pid: number, group: number, mark: string): Promise<Survivor | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'latin1')
    // After the name in parentheses, which may hold anything: state, parent, group.
    const [state, , itsGroup] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    if (state === 'Z' || state === 'X') return undefined
    const marked = async (): Promise<boolean> => {
      const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '')
      return environment.split('\0').includes(mark)
    }
    if (Number(itsGroup) !== group && !(await marked())) return undefined
    const command = (await readFile(`/proc/${pid}/cmdline`, 'latin1')).replaceAll('\0', ' ').trim()
    return { pid, command: command.slice(0, 120) }
  } catch {
    return undefined
  }
}

function groupAlive(group: number): boolean {
  try {
    process.kill(-group, 0)
    return true
  } catch {
    return false
  }
}
