/** Accounts of processes, threads and disks, read back for what a child is known to have done. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { threadNumber } from '../../targets/thread-number.js'
import { addCpu, noCpu, readCpu } from './cpu.js'
import { disksUnder, mountOf, numbersOf, readDevice } from './device.js'
import { addDisk, noDisk, readDisk } from './disk.js'
import { MemoryAccount } from './memory.js'
import { cpuSeconds, threadTime, writtenBytes } from './proc.js'

const linux = existsSync('/proc/self/io') ? test : test.skip
const nobody = 2 ** 22 + 1

test('of a process that is not there nothing is known', () => {
  assert.is(cpuSeconds(nobody), null)
  assert.is(threadTime(nobody, nobody), null)
  assert.is(writtenBytes(nobody), null)
  const memory = new MemoryAccount()
  memory.look([], [nobody])
  assert.is(memory.store, null)
})

linux('a process pays for what a child of it wrote that has ended', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'weir-test-accounts-'))
  const child = spawn('sh', ['-c', 'read go; dd if=/dev/zero of=file bs=1M count=8 conv=fsync 2>/dev/null; echo done; read end'], {
    cwd: folder,
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  try {
    const { pid = 0 } = child
    const parts = [{ name: 'writer', kind: 'process', pid }] as const
    const { disks } = disksUnder(folder)
    const before = readDisk(parts, [pid], disks)
    child.stdin.write('go\n')
    await once(createInterface(child.stdout), 'line')
    const use = noDisk()
    addDisk(use, before, readDisk(parts, [pid], disks))
    // In memory, nothing goes to a disk.
    const least = disks.length === 0 ? 0 : 8 * 2 ** 20
    assert.ok((use.parts['writer'] ?? -1) >= least, JSON.stringify(use))
    assert.ok((use.store ?? -1) >= least)
    if (use.device !== null) assert.ok(use.device.bytes >= least)
  } finally {
    child.stdin.end()
    await once(child, 'exit')
    rmSync(folder, { recursive: true, force: true })
  }
})

linux('a part that ended is taken off the account that it moved to', () => {
  const use = noDisk()
  const before = { weir: 100, parts: { gone: 50, stays: 10 }, store: null, device: null }
  addDisk(use, before, { weir: 190, parts: { stays: 30 }, store: null, device: null })
  assert.equal(use, { weir: 40, parts: { stays: 20 }, store: null, device: null })
})

linux('a thread has an account of its own, the whole process the sum', () => {
  const parts = [{ name: 'thread', kind: 'thread', pid: process.pid, tid: threadNumber() }] as const
  const before = readCpu(parts, [process.pid])
  const end = performance.now() + 200
  while (performance.now() < end);
  const use = noCpu()
  addCpu(use, before, readCpu(parts, [process.pid]), parts)
  const { busiest, main } = use.parts['thread'] ?? { busiest: 0, main: false }
  assert.ok(main)
  assert.ok(busiest > 0.05 && busiest < 0.5, JSON.stringify(use))
  assert.ok(use.weir > 0.05 && (use.main ?? 0) > 0.05)
  assert.ok((use.store ?? 0) > 0.05)
})

/** A process that works for a tenth of a second of CPU time at once, and again whenever it is told to. */
function spawnBurning() {
  const script = `
    const work = () => {
      const begin = process.cpuUsage()
      for (;;) {
        const { user, system } = process.cpuUsage(begin)
        if (user + system > 150_000) break
      }
      process.send(1)
    }
    process.on('message', work)
    process.on('disconnect', () => process.exit())
    work()`
  return spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
}

linux('processes that end between two readings are accounted for, and one that takes the name of another begins at nothing', async () => {
  const first = spawnBurning()
  const part = (pid: number) => ({ name: 'instance-1', kind: 'process', pid }) as const
  await once(first, 'message')
  const before = readCpu([part(first.pid ?? 0)], [])
  first.send('work')
  await once(first, 'message')
  first.disconnect()
  await once(first, 'exit')
  const second = spawnBurning()
  await once(second, 'message')
  try {
    const use = noCpu()
    const parts = [part(second.pid ?? 0)]
    addCpu(use, before, readCpu(parts, []), parts)
    assert.ok((use.parts['instance-1']?.seconds ?? -1) > 0, JSON.stringify(use.parts))
    const ended = use.parts['ended']?.seconds ?? 0
    assert.ok(ended >= 0.1 && ended < 60, JSON.stringify(use.parts))
  } finally {
    second.disconnect()
    await once(second, 'exit')
  }
})

linux('the disk under a folder is one that the system keeps an account of, or there is a reason', () => {
  const { disks, unknown } = disksUnder(tmpdir())
  if (disks.length === 0) assert.type(unknown, 'string')
  for (const disk of disks) assert.match(readFileSync('/proc/diskstats', 'latin1'), ` ${disk} `)
  assert.is(readDevice(disks)?.disks.size ?? 0, disks.length)
  assert.is(readDevice([]), null)
  assert.match(disksUnder('/nowhere').unknown ?? '', 'cannot be reached')
  if (mountOf('/dev/shm')?.kind === 'tmpfs') assert.match(disksUnder('/dev/shm').unknown ?? '', 'tmpfs')
})

test('a mount is the innermost and the last, its name read as it was written', () => {
  const table = [
    '22 1 254:0 / / rw - ext4 /dev/vda rw',
    '23 22 0:30 / /data rw,relatime shared:1 - overlay overlay rw,lowerdir=/a:/b,upperdir=/up\\040per,workdir=/w',
    '24 22 0:31 / /database rw - tmpfs tmpfs rw',
    '25 22 0:32 / /data\\040two rw - btrfs /dev/sda2 rw',
    '26 23 0:33 / /data rw - xfs /dev/mapper/vg-a rw',
  ].join('\n')
  assert.is(mountOf('/data/x', table)?.kind, 'xfs')
  assert.is(mountOf('/database', table)?.kind, 'tmpfs')
  assert.is(mountOf('/datafile', table)?.kind, 'ext4')
  assert.is(mountOf('/data two/x', table)?.source, '/dev/sda2')
  assert.is(mountOf('/data/x', ''), undefined)
})

test('device numbers come apart as they were put together', () => {
  assert.equal(numbersOf(65_024), { major: 254, minor: 0 })
  assert.equal(numbersOf(0x1030_0301), { major: 3, minor: 0x10301 })
})

test.run()
