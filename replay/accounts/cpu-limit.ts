/** A container's CPU limit (control groups' bandwidth): how many cores it lets its processes use, and how often it held them back. */
import { join } from 'node:path'
import { readText } from './proc.js'

export interface CpuLimit {
  /** Cores that all processes together may use: 0.5 is half of one. */
  readonly cores: number
  /** Stretches (100 ms each, unless set otherwise) in which something ran since the group was made, and those in which the limit stopped it. */
  periods(): Periods | null
}

export interface Periods {
  readonly all: number
  readonly throttled: number
}

/**
 * The narrowest limit of the groups that this process is in, of either version (Linux: cgroup-v2, sched-bwc); null where
 * there is none or the system does not tell.
 * @param root what `/` is
 */
export function findCpuLimit(root = '/'): CpuLimit | null {
  const text = (path: string) => readText(join(root, path))
  const mounts = (text('proc/mounts') ?? '').split('\n').map((line) => line.split(' '))
  const groups = (text('proc/self/cgroup') ?? '').split('\n').map((line) => line.split(':'))
  const found: { readonly cores: number; readonly folder: string }[] = []
  for (const [, point = '', type = '', options = ''] of mounts) {
    const version = type === 'cgroup2' ? 2 : type === 'cgroup' && options.split(',').includes('cpu') ? 1 : undefined
    if (version === undefined) continue
    const [, , path = '/'] = groups.find(([, names = '']) => (version === 2 ? names === '' : names.split(',').includes('cpu'))) ?? []
    for (const folder of upwards(path).map((group) => join(point, group))) {
      const cores = version === 2 ? coresOf(text(join(folder, 'cpu.max'))?.split(' ')) : coresOf(v1(text, folder))
      if (cores !== null) found.push({ cores, folder })
    }
  }
  const [least] = found.sort((a, b) => a.cores - b.cores)
  if (least === undefined) return null
  return { cores: least.cores, periods: () => periodsOf(text(join(least.folder, 'cpu.stat'))) }
}

/** A group and all that it is in. A container may see a path that is not there: its own group is the mount's root then. */
function upwards(path: string): readonly string[] {
  const parts = path.split('/').filter((part) => part !== '' && part !== '..')
  return parts.map((_, i) => parts.slice(0, parts.length - i).join('/')).concat('')
}

function v1(text: (path: string) => string | null, folder: string): readonly (string | undefined)[] {
  return ['cpu.cfs_quota_us', 'cpu.cfs_period_us'].map((name) => text(join(folder, name)) ?? undefined)
}

/** Of quota and period, microseconds; 'max' and -1 are none. */
function coresOf([quota, period]: readonly (string | undefined)[] = []): number | null {
  const cores = Number(quota) / Number(period)
  return cores > 0 && Number.isFinite(cores) ? cores : null
}

function periodsOf(text: string | null): Periods | null {
  const of = (name: string) => Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text ?? '')?.[1] ?? Number.NaN)
  const [all, throttled] = [of('nr_periods'), of('nr_throttled')]
  return Number.isNaN(all + throttled) ? null : { all, throttled }
}
