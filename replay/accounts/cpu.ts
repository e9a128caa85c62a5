/** The account of CPU time: Weir, each part of the target, the store's processes, the machine; by processes and threads. */
import { cpus } from 'node:os'
import type { Part } from '../../targets/target.js'
import { findCpuLimit, type Periods } from './cpu-limit.js'
import { cpuSeconds, endedSeconds, readText, type ThreadTime, threadTime, threadTimes, ticksPerSecond } from './proc.js'

export type CountedPart = Pick<Part, 'name' | 'kind' | 'pid' | 'tid'>

/** CPU seconds of a moment, to be subtracted from those of a later one. */
export interface CpuReading {
  /** Weir's own process with all its threads. */
  readonly weir: number
  /** Weir's main thread: the driver's. */
  readonly main: ThreadTime | null
  readonly parts: Readonly<Record<string, PartReading>>
  /** Of Weir's children that have ended, all that they ever used; null where the system does not tell. */
  readonly ended: number | null
  readonly store: number | null
  /** The store's threads were ready to run for so long while no core was free; null where the system does not tell. */
  readonly storeWaited: number | null
  readonly machine: MachineTime
  /** Of the container's limit; null where there is none. */
  readonly periods: Periods | null
}

interface PartReading {
  /** Of a part that is a process of its own. */
  readonly pid: number | null
  /** The whole process of a part that is one; else its thread. */
  readonly seconds: number | null
  readonly threads: ReadonlyMap<number, ThreadTime>
}

/** Seconds of all cores. */
interface MachineTime {
  readonly busy: number
  readonly total: number
  /** Taken by others on the same hardware (virtual machines); part of `busy`, since it was not to be had. */
  readonly stolen: number
}

/**
 * Time of all cores (proc(5): stat). A core that waits for a disk is idle, which `os.cpus` would leave out of the whole and
 * so overstate how busy the others were; it serves where there is no /proc.
 */
export function machineTime(): MachineTime {
  const fields = /^cpu +(.*)$/m
    .exec(readText('/proc/stat') ?? '')?.[1]
    ?.split(' ')
    .map(Number)
  if (fields !== undefined && fields.length >= 5) {
    // Guests' time is in user's already.
    const [user = 0, nice = 0, system = 0, idle = 0, waiting = 0, irq = 0, soft = 0, stolen = 0] = fields
    const busy = user + nice + system + irq + soft + stolen
    return { busy: busy / ticksPerSecond, total: (busy + idle + waiting) / ticksPerSecond, stolen: stolen / ticksPerSecond }
  }
  let [busy, total] = [0, 0]
  for (const { times } of cpus()) {
    const all = times.user + times.nice + times.sys + times.idle + times.irq
    total += all / 1000
    busy += (all - times.idle) / 1000
  }
  return { busy, total, stolen: 0 }
}

const limit = findCpuLimit()
/** The account of processes that ended. */
const endedParts = 'ended'

export function readCpu(parts: readonly CountedPart[], storePids: readonly number[]): CpuReading {
  const own = process.cpuUsage()
  const store = storePids.map(cpuSeconds).filter((seconds) => seconds !== null)
  return {
    weir: (own.user + own.system) / 1e6,
    main: threadTime(process.pid, process.pid),
    parts: Object.fromEntries(parts.flatMap((part) => (countable(part) ? [[part.name, readPart(part)]] : []))),
    ended: endedSeconds(process.pid),
    store: store.length === 0 ? null : store.reduce((sum, seconds) => sum + seconds, 0),
    storeWaited: waitedOf(storePids),
    machine: machineTime(),
    periods: limit?.periods() ?? null,
  }
}

function waitedOf(pids: readonly number[]): number | null {
  const waited = pids.flatMap((pid) => [...threadTimes(pid).values()].map((time) => time.waited)).filter((seconds) => seconds !== null)
  return waited.length === 0 ? null : waited.reduce((sum, seconds) => sum + seconds, 0)
}

/** A thread that does not know its number shares Weir's account. */
function countable({ kind, tid }: CountedPart): boolean {
  return kind === 'process' || tid !== undefined
}

function readPart({ kind, pid, tid }: CountedPart): PartReading {
  if (kind === 'process') return { pid, seconds: cpuSeconds(pid), threads: threadTimes(pid) }
  const time = tid === undefined ? null : threadTime(pid, tid)
  return { pid: null, seconds: time?.ran ?? null, threads: new Map(time === null || tid === undefined ? [] : [[tid, time]]) }
}

/** What a part used. Processes that ended between two readings are `ended` together, without their threads. */
export interface PartUse {
  seconds: number
  /** Of the thread of it that worked most in each block. */
  busiest: number
  /** That thread was ready to run for so long while no core was free; null where the system does not tell. */
  waited: number | null
  /** The part's thread is Weir's main thread, which also renders and drives. */
  readonly main: boolean
  readonly kind: Part['kind']
}

/** CPU seconds between readings, summed over blocks. */
export interface CpuUse {
  weir: number
  main: number | null
  mainWaited: number | null
  readonly parts: Record<string, PartUse>
  store: number | null
  storeWaited: number | null
  machineBusy: number
  machineTotal: number
  machineStolen: number
  /** Periods of the container's CPU limit, and those in which it stopped something. */
  periods: number
  throttledPeriods: number
}

export function noCpu(): CpuUse {
  return {
    weir: 0,
    main: null,
    mainWaited: null,
    parts: {},
    store: null,
    storeWaited: null,
    machineBusy: 0,
    machineTotal: 0,
    machineStolen: 0,
    periods: 0,
    throttledPeriods: 0,
  }
}

/** Adds what was used between two readings to a running account. */
export function addCpu(use: CpuUse, before: CpuReading, after: CpuReading, parts: readonly CountedPart[]): void {
  use.weir += after.weir - before.weir
  use.machineBusy += after.machine.busy - before.machine.busy
  use.machineTotal += after.machine.total - before.machine.total
  use.machineStolen += after.machine.stolen - before.machine.stolen
  if (before.periods !== null && after.periods !== null) {
    use.periods += after.periods.all - before.periods.all
    use.throttledPeriods += after.periods.throttled - before.periods.throttled
  }
  const main = between(before.main, after.main)
  if (main !== null) {
    use.main = (use.main ?? 0) + main.ran
    use.mainWaited = sum(use.mainWaited, main.waited)
  }
  // A backend that ended meanwhile has moved to its parent's account, so the sum cannot shrink but by rounding.
  if (after.store !== null && before.store !== null) use.store = (use.store ?? 0) + Math.max(0, after.store - before.store)
  // What a thread that ended had waited is nobody's any more.
  if (after.storeWaited !== null && before.storeWaited !== null) {
    use.storeWaited = (use.storeWaited ?? 0) + Math.max(0, after.storeWaited - before.storeWaited)
  }
  for (const part of parts) {
    const then = before.parts[part.name]
    const now = after.parts[part.name]
    // One that took the name of one that ended begins at nothing.
    addPart(use, part, then?.pid === now?.pid ? then : undefined, now)
  }
  addEnded(use, before, after)
}

/** Processes that ended have moved to their parent's account with all that they ever used (proc(5): cutime, cstime). */
function addEnded(use: CpuUse, before: CpuReading, after: CpuReading): void {
  if (before.ended === null || after.ended === null) return
  const gone = Object.entries(before.parts).filter(([name, { pid }]) => pid !== null && after.parts[name]?.pid !== pid)
  const counted = gone.reduce((sum, [, { seconds }]) => sum + (seconds ?? 0), 0)
  const seconds = after.ended - before.ended - counted
  if (!(seconds > 0)) return
  use.parts[endedParts] ??= { seconds: 0, busiest: 0, waited: null, main: false, kind: 'process' }
  const account = use.parts[endedParts]
  if (account !== undefined) account.seconds += seconds
}

/** A part without an earlier reading was started in between. */
function addPart(use: CpuUse, part: CountedPart, before: PartReading | undefined, after: PartReading | undefined): void {
  if (after === undefined || after.seconds === null) return
  use.parts[part.name] ??= { seconds: 0, busiest: 0, waited: null, main: part.tid === process.pid, kind: part.kind }
  const account = use.parts[part.name]
  if (account === undefined) return
  account.seconds += after.seconds - (before?.seconds ?? 0)
  let most: ThreadTime = { ran: 0, waited: null }
  for (const [tid, time] of after.threads) {
    const used = between(before?.threads.get(tid) ?? { ran: 0, waited: 0 }, time)
    if (used !== null && used.ran >= most.ran) most = used
  }
  account.busiest += most.ran
  account.waited = sum(account.waited, most.waited)
}

function between(before: ThreadTime | null, after: ThreadTime | null): ThreadTime | null {
  if (before === null || after === null) return null
  return { ran: after.ran - before.ran, waited: after.waited === null ? null : after.waited - (before.waited ?? 0) }
}

function sum(account: number | null, more: number | null): number | null {
  return more === null ? account : (account ?? 0) + more
}
