/** Examines the machine: each finding is a fact, whether it is good enough, and the remedy when it is not. */
import { spawnSync } from 'node:child_process'
import { accessSync, closeSync, constants, fdatasyncSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { availableParallelism, freemem, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { findK6, k6Remedy } from '../replay/k6/binary.js'
import { isInstalled } from '../stores/clickhouse/embedded.js'
import { account, reachableBinaries } from '../stores/postgres/embedded-binaries.js'
import { temporaryPrefix } from '../stores/temporary.js'

/** `good`: as it should be; `note`: works, or is not needed by the default run; `missing`: the default run cannot work. */
export interface Finding {
  readonly name: string
  readonly state: 'good' | 'note' | 'missing'
  readonly text: string
  readonly remedy?: string
}

/** What the default run writes, with its logs and room to breathe, bytes. */
const neededDisk = 3e9
const neededMemory = 1e9
const neededFiles = 256

/** Everything that `weir doctor` looks at. Never throws: what cannot be found out is a note. */
export async function examine(): Promise<readonly Finding[]> {
  return [
    nodeVersion(process.versions.node),
    platform(),
    await embeddedPostgres(),
    embeddedClickHouse(),
    await disk(),
    fsyncCost(),
    cores(availableParallelism()),
    memory(),
    accounts(),
    openFiles(),
    psql(),
    loadGenerator(),
  ]
}

/** Node 20.19 or later of that line, or any later one. */
export function nodeVersion(version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major > 20 || (major === 20 && minor >= 19)) return { name: 'node', state: 'good', text: version }
  return { name: 'node', state: 'missing', text: version, remedy: 'install Node 20.19 or later from https://nodejs.org' }
}

function platform(): Finding {
  const text = `${process.platform} ${process.arch}`
  const known = ['linux', 'darwin'].includes(process.platform) && ['x64', 'arm64'].includes(process.arch)
  return known
    ? { name: 'platform', state: 'good', text }
    : { name: 'platform', state: 'missing', text, remedy: 'use Linux or macOS on x64 or arm64; elsewhere a container' }
}

/** The binaries that an embedded server would use, started as the user that it would run as. */
async function embeddedPostgres(): Promise<Finding> {
  const name = 'embedded Postgres'
  try {
    const as = account()
    const { postgres } = await reachableBinaries(as)
    const found = spawnSync(postgres, ['--version'], { encoding: 'utf8', cwd: '/', ...as })
    if (found.status !== 0) throw new Error(`${postgres} does not run: ${found.error?.message ?? found.stderr.trim()}`)
    return { name, state: 'good', text: `${found.stdout.trim()}${as === undefined ? '' : `, as uid ${as.uid}`}` }
  } catch (error) {
    const remedy = 'run npm ci again with optional dependencies, or give a server: --store postgres://user@host/db'
    return { name, state: 'missing', text: (error as Error).message, remedy }
  }
}

/** Optional: a run leaves it out where it is not installed. */
function embeddedClickHouse(): Finding {
  const name = 'embedded ClickHouse'
  if (isInstalled()) return { name, state: 'good', text: 'chdb is installed' }
  return {
    name,
    state: 'note',
    text: 'chdb is not installed: runs leave ClickHouse out',
    remedy: 'npm install chdb (550 MB), or give a server: --store http://user@host:8123',
  }
}

async function disk(): Promise<Finding> {
  const name = 'disk'
  const folder = tmpdir()
  try {
    accessSync(folder, constants.W_OK)
    const { bavail, bsize, type } = await statfs(folder)
    const free = bavail * bsize
    const text = `${(free / 1e9).toFixed(1)} GB free in ${folder} (${kinds[type] ?? `type 0x${type.toString(16)}`})`
    if (free < neededDisk) return { name, state: 'missing', text, remedy: 'free 3 GB there, or set TMPDIR to a folder on another disk' }
    if (kinds[type] === 'tmpfs') return { name, state: 'note', text, remedy: 'memory is no disk: set TMPDIR to a folder on a real one' }
    return { name, state: 'good', text }
  } catch (error) {
    return { name, state: 'missing', text: (error as Error).message, remedy: 'set TMPDIR to a folder that you may write to' }
  }
}

/** Magic numbers of file systems, from statfs(2). */
const kinds: Readonly<Record<number, string>> = {
  61267: 'ext4',
  16914836: 'tmpfs',
  1481003842: 'xfs',
  2435016766: 'btrfs',
  2035054128: 'overlay',
  26985: 'nfs',
  801189825: 'zfs',
  26: 'apfs',
}

/** Median of nine small synchronous writes. */
function fsyncCost(): Finding {
  const name = 'fsync'
  let folder: string | undefined
  try {
    folder = mkdtempSync(join(tmpdir(), temporaryPrefix('doctor')))
    const file = openSync(join(folder, 'probe'), 'w')
    const block = Buffer.alloc(8192, 1)
    const costs = Array.from({ length: 9 }, () => {
      const begin = performance.now()
      writeSync(file, block)
      fdatasyncSync(file)
      return performance.now() - begin
    }).sort((a, b) => a - b)
    closeSync(file)
    const median = costs[4] ?? 0
    const text = `${median.toFixed(2)} ms for 8 kB`
    if (median >= 0.02) return { name, state: 'good', text }
    return { name, state: 'note', text, remedy: 'nothing that fast reaches a disk: "power" durability is a promise of this machine only' }
  } catch (error) {
    return { name, state: 'note', text: `could not be measured: ${(error as Error).message}` }
  } finally {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
  }
}

export function cores(count: number): Finding {
  if (count >= 2) return { name: 'cores', state: 'good', text: `${count}` }
  return {
    name: 'cores',
    state: 'note',
    text: `${count}`,
    remedy: 'generator, target and store share it: figures are efficiency, not scale-out',
  }
}

function memory(): Finding {
  const available = Number(/^MemAvailable:\s+(\d+) kB$/m.exec(readable('/proc/meminfo'))?.[1] ?? Number.NaN) * 1024
  const free = Number.isNaN(available) ? freemem() : available
  const text = `${(free / 1e9).toFixed(1)} of ${(totalmem() / 1e9).toFixed(1)} GB available`
  if (free >= neededMemory || process.platform !== 'linux') return { name: 'memory', state: 'good', text }
  return { name: 'memory', state: 'missing', text, remedy: 'end other programs until 1 GB is available' }
}

function accounts(): Finding {
  const name = 'CPU accounts'
  if (readable('/proc/self/stat') !== '' && readable('/proc/1/stat') !== '') return { name, state: 'good', text: '/proc can be read' }
  return { name, state: 'note', text: '/proc cannot be read: CPU of the store and of processes is not reported' }
}

function openFiles(): Finding {
  const name = 'open files'
  const limit = /^Max open files\s+(\d+|unlimited)/m.exec(readable('/proc/self/limits'))?.[1]
  if (limit === undefined) return { name, state: 'note', text: 'the limit is not known here' }
  const text = `${limit} at most`
  if (limit === 'unlimited' || Number(limit) >= neededFiles) return { name, state: 'good', text }
  return { name, state: 'missing', text, remedy: 'ulimit -n 1024' }
}

function psql(): Finding {
  const { status, stdout } = spawnSync('psql', ['--version'], { encoding: 'utf8' })
  if (status === 0) return { name: 'psql', state: 'good', text: stdout.trim() }
  const remedy = process.platform === 'darwin' ? 'brew install libpq' : 'apt-get install postgresql-client'
  return { name: 'psql', state: 'note', text: 'not found; only npm run bench needs it', remedy }
}

/** Optional: weir k6 needs it, and Go only to build it. */
function loadGenerator(): Finding {
  const name = 'k6'
  const k6 = findK6()
  if (k6?.extended) return { name, state: 'good', text: `${k6.version} with k6/x/weir, ${k6.path}` }
  const text =
    k6 === undefined
      ? 'not found; only weir k6 needs it'
      : `${k6.version} without k6/x/weir: enough for every script of weir k6 but mixed, with lines rendered beforehand`
  const { status, stdout } = spawnSync('go', ['version'], { encoding: 'utf8' })
  const remedy = status === 0 ? `npm run build:k6 (${stdout.trim()})` : k6Remedy
  return { name, state: 'note', text, remedy }
}

function readable(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
