/** Accounts of CPU time and memory, by process, as the operating system keeps them. Null where it does not tell (no /proc). */
import { readFileSync } from 'node:fs'
import { cpus } from 'node:os'

/** Kernel clock ticks per second that /proc/PID/stat counts in: USER_HZ, 100 on every Linux architecture that Node runs on. */
const ticksPerSecond = 100

/**
 * CPU seconds that a process has used, its waited-for children included (proc(5): utime, stime, cutime, cstime).
 * Null when the process is gone or /proc is absent.
 */
export function cpuSeconds(pid: number): number | null {
  const fields = statFields(pid)
  if (fields === null) return null
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0)
  return ticks / ticksPerSecond
}

/** The fields of /proc/PID/stat after the command's name, which may itself hold spaces and parentheses. */
function statFields(pid: number): string[] | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  } catch {
    return null
  }
}

/** Memory of a process that is not shared with others, bytes; null when it cannot be read. */
export function anonymousBytes(pid: number): number | null {
  try {
    const match = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))
    return match === null ? null : Number(match[1]) * 1024
  } catch {
    return null
  }
}

/** CPU seconds of a moment, to be subtracted from those of a later one. */
export interface CpuReading {
  /** Weir's own process with all its threads. */
  readonly weir: number
  readonly parts: Readonly<Record<string, number | null>>
  readonly store: number | null
  /** Busy and total seconds of all cores. */
  readonly machineBusy: number
  readonly machineTotal: number
}

export function readCpu(parts: readonly { readonly name: string; readonly pid: number }[], storePids: readonly number[]): CpuReading {
  const own = process.cpuUsage()
  const store = storePids.map(cpuSeconds).filter((seconds) => seconds !== null)
  let busy = 0
  let total = 0
  for (const { times } of cpus()) {
    const all = times.user + times.nice + times.sys + times.idle + times.irq
    total += all / 1000
    busy += (all - times.idle) / 1000
  }
  return {
    weir: (own.user + own.system) / 1e6,
    parts: Object.fromEntries(parts.map(({ name, pid }) => [name, cpuSeconds(pid)])),
    store: store.length === 0 ? null : store.reduce((sum, seconds) => sum + seconds, 0),
    machineBusy: busy,
    machineTotal: total,
  }
}

/** What was used between two readings; parts that ended in between are missing. */
export interface CpuUse {
  weir: number
  parts: Record<string, number>
  store: number | null
  machineBusy: number
  machineTotal: number
}

export const noCpu = (): CpuUse => ({ weir: 0, parts: {}, store: null, machineBusy: 0, machineTotal: 0 })

/** Adds what was used between two readings to a running account. */
export function addCpu(use: CpuUse, before: CpuReading, after: CpuReading): void {
  use.weir += after.weir - before.weir
  use.machineBusy += after.machineBusy - before.machineBusy
  use.machineTotal += after.machineTotal - before.machineTotal
  // A backend that ended meanwhile has moved to its parent's account, so the sum cannot shrink but by rounding.
  if (after.store !== null && before.store !== null) use.store = (use.store ?? 0) + Math.max(0, after.store - before.store)
  for (const [name, seconds] of Object.entries(after.parts)) {
    // A part without an earlier reading was started in between.
    if (seconds !== null) use.parts[name] = (use.parts[name] ?? 0) + seconds - (before.parts[name] ?? 0)
  }
}
