/** What Linux tells of single processes and threads under /proc; null where it does not: another system, a process that is gone, a stranger's. */
import { readdirSync, readFileSync } from 'node:fs'

/** Kernel clock ticks per second that /proc/PID/stat counts in: USER_HZ, 100 on every Linux architecture that Node runs on. */
export const ticksPerSecond = 100

/** A file's text; null when it cannot be read. */
export function readText(path: string): string | null {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return null
  }
}

/**
 * CPU seconds that a process has used, its waited-for children included (proc(5): utime, stime, cutime, cstime).
 * Null when the process is gone or /proc is absent.
 */
export function cpuSeconds(pid: number): number | null {
  const fields = statFields(`/proc/${pid}/stat`)
  return fields === null ? null : fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0) / ticksPerSecond
}

/** CPU seconds of a process's children that have ended and were waited for (cutime, cstime). Null as for `cpuSeconds`. */
export function endedSeconds(pid: number): number | null {
  const fields = statFields(`/proc/${pid}/stat`)
  return fields === null ? null : (Number(fields[13]) + Number(fields[14])) / ticksPerSecond
}

/** The fields of a stat file after the command's name, which may itself hold spaces and parentheses. */
function statFields(path: string): string[] | null {
  return (
    readText(path)
      ?.replace(/^.*\) /s, '')
      .split(' ') ?? null
  )
}

/** What a thread got of the processors, seconds. */
export interface ThreadTime {
  readonly ran: number
  /** Ready to run while no processor was free; null where the kernel keeps no account of it. */
  readonly waited: number | null
}

/** Of one thread, since it began (proc(5): schedstat; else stat, in hundredths of a second). Null when it is gone. */
export function threadTime(pid: number, tid: number): ThreadTime | null {
  const folder = `/proc/${pid}/task/${tid}`
  const [ran, waited] = readText(`${folder}/schedstat`)?.split(' ').map(Number) ?? []
  // Zeros all along: a kernel without the account.
  if (ran !== undefined && waited !== undefined && ran > 0) return { ran: ran / 1e9, waited: waited / 1e9 }
  const fields = statFields(`${folder}/stat`)
  return fields === null ? null : { ran: (Number(fields[11]) + Number(fields[12])) / ticksPerSecond, waited: null }
}

/** All threads of a process by their ids; empty when it is gone. */
export function threadTimes(pid: number): ReadonlyMap<number, ThreadTime> {
  const times = new Map<number, ThreadTime>()
  for (const tid of threadsOf(pid)) {
    const time = threadTime(pid, tid)
    if (time !== null) times.set(tid, time)
  }
  return times
}

function threadsOf(pid: number): readonly number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map(Number)
  } catch {
    return []
  }
}

export interface ResidentMemory {
  /** Of the process alone, bytes. */
  readonly own: number
  /** Pages that it has touched of memory shared on purpose (buffers of Postgres), bytes. */
  readonly shared: number
}

/** Resident memory of a process, files mapped into it left out (proc(5): RssAnon, RssShmem); null when it cannot be read. */
export function residentMemory(pid: number): ResidentMemory | null {
  const status = readText(`/proc/${pid}/status`)
  const bytes = (name: string) => {
    const found = status === null ? null : new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)
    return found === null ? null : Number(found[1]) * 1024
  }
  const own = bytes('RssAnon')
  return own === null ? null : { own, shared: bytes('RssShmem') ?? 0 }
}

/**
 * Bytes that a process has had written to a disk, those of its waited-for children included (proc(5): write_bytes less
 * cancelled_write_bytes): counted when a page of a file on a disk becomes dirty, so a page that is changed twice before it
 * is written counts once, and what goes to a file system in memory does not count. Null when it may not be read.
 */
export function writtenBytes(pid: number): number | null {
  const io = readText(`/proc/${pid}/io`)
  if (io === null) return null
  const bytes = (name: string) => Number(new RegExp(`^${name}: (\\d+)$`, 'm').exec(io)?.[1] ?? Number.NaN)
  const written = bytes('write_bytes') - bytes('cancelled_write_bytes')
  return Number.isFinite(written) ? written : null
}
