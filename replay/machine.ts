/** The machine and the build that a result was measured with, as the operating system and the build left them. */
import { readFileSync, realpathSync } from 'node:fs'
import { arch, cpus, release, tmpdir, totalmem, type } from 'node:os'
import type { Build, Machine } from '../results/result.js'
import { findCpuLimit } from './accounts/cpu-limit.js'

function readText(path: string | URL): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

/** Type of the file system that a folder lies on (proc(5): mounts); null where /proc is absent. */
export function filesystemOf(folder: string): string | null {
  const mounts = readText('/proc/mounts')
  if (mounts === undefined) return null
  let path: string
  try {
    path = realpathSync(folder)
  } catch {
    path = folder
  }
  let best = { point: '', kind: null as string | null }
  for (const line of mounts.split('\n')) {
    const [, point = '', kind = ''] = line.split(' ')
    const inside = path === point || path.startsWith(point === '/' ? '/' : `${point}/`)
    if (inside && point.length >= best.point.length) best = { point, kind }
  }
  return best.kind
}

/** @param dataFolder where an embedded store keeps its data; null when the store is elsewhere */
export function describeMachine(dataFolder: string | null = tmpdir()): Machine {
  const distribution = /^PRETTY_NAME="?([^"\n]*)/m.exec(readText('/etc/os-release') ?? '')?.[1]
  const cores = cpus()
  const limit = findCpuLimit()
  return {
    cpuModel: cores[0]?.model.trim() ?? 'unknown',
    cores: cores.length,
    ...(limit === null ? {} : { cpuLimit: limit.cores }),
    memoryBytes: totalmem(),
    os: `${type()} ${release()}${distribution === undefined ? '' : ` (${distribution})`}`,
    arch: arch(),
    node: process.version,
    filesystem: dataFolder === null ? null : filesystemOf(dataFolder),
  }
}

/** Version of the package, and the hash of the kernel that the build made. */
export function describeBuild(): Build {
  const version = JSON.parse(readText(new URL('../../package.json', import.meta.url)) ?? '{}') as { version?: string }
  const build = JSON.parse(readText(new URL('../build.json', import.meta.url)) ?? '{}') as { kernel?: string }
  return { version: version.version ?? 'unknown', build: build.kernel ?? '' }
}
