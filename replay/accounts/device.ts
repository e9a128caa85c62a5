/** Disks: which of them hold a folder, and what they have written; null where the system, or a container, hides it. */
import { readdirSync, realpathSync, statSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { performance } from 'node:perf_hooks'
import { readText } from './proc.js'

/** Where a folder lies. */
export interface Holder {
  /** The disks under it, by the names that /proc/diskstats has for them; empty when not known. */
  readonly disks: readonly string[]
  /** Why there are none. */
  readonly unknown?: string
}

/** Devices of a stack at the most: each level of a stack refers to the one below it. */
const deepest = 8

/**
 * The disks that hold a folder. A partition leads to its disk, since it is the disk that is busy; volumes that the device
 * mapper or md make of several (sysfs: slaves) lead to all of those. Where the file system has a device of its own making
 * (overlay, btrfs), the mount says what is below it.
 */
export function disksUnder(folder: string): Holder {
  try {
    const disks = new Set(fromFolder(realpathSync(folder), deepest))
    return disks.size > 0
      ? { disks: [...disks].sort() }
      : { disks: [], unknown: 'the device that holds the data is hidden from this system' }
  } catch (error) {
    return { disks: [], unknown: error instanceof Hidden ? error.message : 'the folder that holds the data cannot be reached from here' }
  }
}

class Hidden extends Error {}

function fromFolder(folder: string, depth: number): readonly string[] {
  const { dev } = statSync(folder)
  const { major, minor } = numbersOf(dev)
  if (major !== 0) return fromNumber(`${major}:${minor}`)
  const mount = mountOf(folder)
  if (mount === undefined || depth === 0) throw new Hidden('the file system that holds the data names no device')
  const { kind, source, options } = mount
  if (kind === 'tmpfs' || kind === 'ramfs') throw new Hidden('the data lie in memory (tmpfs), on no disk')
  const upper = /(?:^|,)upperdir=([^,]+)/.exec(options)?.[1]
  if (kind === 'overlay' && upper !== undefined) {
    try {
      return fromFolder(realpathSync(upper), depth - 1)
    } catch {
      throw new Hidden("the data lie in a container's own layer, whose device is hidden from it")
    }
  }
  if (!source.startsWith('/dev/')) throw new Hidden(`the file system that holds the data (${kind}) names no device`)
  const device = numbersOf(statSync(source).rdev)
  return fromNumber(`${device.major}:${device.minor}`)
}

/** The parts of a device number, as glibc composes it (gnu_dev_makedev). */
export function numbersOf(dev: number): { readonly major: number; readonly minor: number } {
  const high = Math.floor(dev / 2 ** 32)
  const low = dev % 2 ** 32
  return { major: (Math.floor(low / 256) & 0xfff) + (high & ~0xfff), minor: (low & 0xff) + (Math.floor(low / 4096) & ~0xff) }
}

/** The disks under a block device, given as 'major:minor'. */
function fromNumber(number: string, depth = deepest): readonly string[] {
  let path: string
  try {
    path = realpathSync(`/sys/dev/block/${number}`)
  } catch {
    // Without sysfs the table of disks still names the device itself.
    const line = diskLines().find((fields) => `${fields[0]}:${fields[1]}` === number)
    return line?.[2] === undefined ? [] : [line[2]]
  }
  const below = depth === 0 ? [] : namesIn(`${path}/slaves`)
  if (below.length > 0) {
    return below.flatMap((name) => {
      const itsNumber = readText(`${path}/slaves/${name}/dev`)?.trim()
      return itsNumber === undefined ? [] : fromNumber(itsNumber, depth - 1)
    })
  }
  return [basename(readText(`${path}/partition`) === null ? path : dirname(path))]
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

interface Mount {
  readonly kind: string
  readonly source: string
  readonly options: string
}

/** The mount that a path lies on (proc(5): mountinfo); of several on the same place the last, which covers the others. */
export function mountOf(path: string, table = readText('/proc/self/mountinfo') ?? ''): Mount | undefined {
  let best: (Mount & { readonly point: string }) | undefined
  for (const line of table.split('\n')) {
    const [left = '', right = ''] = line.split(' - ')
    const point = unescaped(left.split(' ')[4] ?? '')
    if (point === '' || !(path === point || path.startsWith(point === '/' ? '/' : `${point}/`))) continue
    const [kind = '', source = '', options = ''] = right.split(' ')
    if (best === undefined || point.length >= best.point.length) best = { point, kind, source: unescaped(source), options }
  }
  return best
}

/** The table writes blanks and backslashes as octal numbers. */
function unescaped(text: string): string {
  return text.replaceAll(/\\(\d{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))
}

export interface DiskCounts {
  readonly bytes: number
  readonly writes: number
  /** Null before Linux 5.5, which does not count them. */
  readonly flushes: number | null
  readonly busyMs: number
}

export interface DeviceReading {
  readonly disks: ReadonlyMap<string, DiskCounts>
  /** Monotonic. */
  readonly atMs: number
}

/** A sector of /proc/diskstats, whatever the disk's own. */
const sectorBytes = 512

/**
 * What disks have done since the machine began (kernel: admin-guide/iostats). Their busy time is counted in ticks of the
 * clock in which something was under way: of a disk that does many things at once, 100% does not mean that it can do no more.
 */
export function readDevice(names: readonly string[]): DeviceReading | null {
  if (names.length === 0) return null
  const disks = new Map<string, DiskCounts>()
  for (const fields of diskLines()) {
    const [, , name = ''] = fields
    if (!names.includes(name)) continue
    const number = (at: number) => Number(fields[at])
    disks.set(name, {
      writes: number(7),
      bytes: number(9) * sectorBytes,
      busyMs: number(12),
      flushes: fields.length > 18 ? number(18) : null,
    })
  }
  return disks.size === 0 ? null : { disks, atMs: performance.now() }
}

function diskLines(): readonly string[][] {
  return (readText('/proc/diskstats') ?? '').split('\n').map((line) => line.trim().split(/ +/))
}
