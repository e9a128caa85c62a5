/** The account of bytes written to disks: by Weir, by each part of the target, by the store's processes, and by the device under the store. */
import type { CountedPart } from './cpu.js'
import { type DeviceReading, readDevice } from './device.js'
import { writtenBytes } from './proc.js'

/** Bytes written until a moment, to be subtracted from those of a later one. */
export interface DiskReading {
  readonly weir: number | null
  readonly parts: Readonly<Record<string, number | null>>
  readonly store: number | null
  readonly device: DeviceReading | null
}

/** @param devices names of the disks under the store's data, as /proc/diskstats has them */
export function readDisk(parts: readonly CountedPart[], storePids: readonly number[], devices: readonly string[]): DiskReading {
  const store = storePids.map(writtenBytes).filter((bytes) => bytes !== null)
  const processes = parts.filter(({ kind }) => kind === 'process')
  return {
    weir: writtenBytes(process.pid),
    parts: Object.fromEntries(processes.map(({ name, pid }) => [name, writtenBytes(pid)])),
    store: store.length === 0 ? null : store.reduce((sum, bytes) => sum + bytes, 0),
    device: readDevice(devices),
  }
}

/** What was written between readings, summed over blocks; null where the system did not tell. */
export interface DiskUse {
  weir: number | null
  readonly parts: Record<string, number>
  store: number | null
  device: DeviceUse | null
}

export interface DeviceUse {
  bytes: number
  /** Writes that it was given, and commands to make them last. */
  writes: number
  flushes: number | null
  /** Time with something to do: of several disks, of the busiest in each block. */
  busyMs: number
  /** Between the readings. */
  elapsedMs: number
}

export const noDisk = (): DiskUse => ({ weir: null, parts: {}, store: null, device: null })

/** Adds what was written between two readings to a running account. */
export function addDisk(use: DiskUse, before: DiskReading, after: DiskReading): void {
  for (const [name, bytes] of Object.entries(after.parts)) {
    // A part without an earlier reading was started in between.
    if (bytes !== null) use.parts[name] = (use.parts[name] ?? 0) + bytes - (before.parts[name] ?? 0)
  }
  if (before.weir !== null && after.weir !== null) {
    // Parts that ended have moved to their parent's account with all that they ever wrote.
    const gone = Object.entries(before.parts).reduce((sum, [name, bytes]) => (name in after.parts ? sum : sum + (bytes ?? 0)), 0)
    use.weir = (use.weir ?? 0) + Math.max(0, after.weir - before.weir - gone)
  }
  if (before.store !== null && after.store !== null) use.store = (use.store ?? 0) + Math.max(0, after.store - before.store)
  if (before.device !== null && after.device !== null) addDevice(use, before.device, after.device)
}

function addDevice(use: DiskUse, before: DeviceReading, after: DeviceReading): void {
  use.device ??= { bytes: 0, writes: 0, flushes: null, busyMs: 0, elapsedMs: 0 }
  const { device } = use
  let busiest = 0
  for (const [name, now] of after.disks) {
    const then = before.disks.get(name)
    if (then === undefined) continue
    device.bytes += now.bytes - then.bytes
    device.writes += now.writes - then.writes
    if (now.flushes !== null && then.flushes !== null) device.flushes = (device.flushes ?? 0) + now.flushes - then.flushes
    busiest = Math.max(busiest, now.busyMs - then.busyMs)
  }
  device.busyMs += busiest
  device.elapsedMs += after.atMs - before.atMs
}
