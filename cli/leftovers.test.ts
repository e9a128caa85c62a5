/** What a crash left is told from what is in use, and removed with the processes that run in it. */
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { leftovers, removeLeftover } from './leftovers.js'
import { fromPs, processes } from './processes.js'

const leftByCrash = 'weir-run-4711-Xy12Zw'

async function inFolder(use: (folder: string) => void | Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'weir-clean-test-'))
  try {
    mkdirSync(join(folder, leftByCrash))
    for (const own of ['somebody-else', 'weir-logs', 'weir-run-abc', 'weir-data-4711-kept', 'weir-run-4711-a-b'])
      mkdirSync(join(folder, own))
    await use(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

test("only folders are listed whose names Weir's own makers give; whatever else is called weir- is somebody's", () =>
  inFolder((folder) => {
    assert.equal(
      leftovers(folder, []).map(({ path }) => path),
      [join(folder, leftByCrash)],
    )
  }))

test('it is in use as long as the process that made it lives', () =>
  inFolder((folder) => {
    const startedMs = Date.now() - 3_600_000
    const found = (running: Parameters<typeof leftovers>[1]) => leftovers(folder, running).length
    assert.is(found([{ pid: 4711, startedMs, command: 'node anything.js' }]), 0)
    assert.is(found([{ pid: 4712, startedMs, command: 'node /opt/weirbench/dist/cli/main.js run' }]), 1)
    // The number has passed to a process that began later than the folder.
    assert.is(found([{ pid: 4711, startedMs: Date.now() + 3_600_000, command: 'node anything.js' }]), 1)
  }))

test('removal ends the processes that run in the folder, and no others', () =>
  inFolder(async (folder) => {
    const path = join(folder, leftByCrash)
    const idle = ['-e', 'setInterval(() => {}, 1000); process.on("SIGQUIT", () => process.exit()); console.log("up")']
    const children = [join(path, 'data'), `${path}-not`].map((where) =>
      spawn(process.execPath, [...idle, where], { stdio: ['ignore', 'pipe', 'inherit'] }),
    )
    const [inside, outside] = children
    try {
      await Promise.all(children.map((child) => new Promise((up) => child.stdout.once('data', up))))
      const ended = new Promise((done) => inside?.once('exit', done))
      const [leftover] = leftovers(
        folder,
        processes().filter(({ pid }) => children.some((child) => child.pid === pid)),
      )
      assert.equal(
        leftover?.servers.map(({ pid }) => pid),
        [inside?.pid],
      )
      if (leftover) await removeLeftover(leftover)
      await ended
      assert.not.ok(existsSync(path))
      assert.is(outside?.exitCode, null)
    } finally {
      for (const child of children) child.kill('SIGKILL')
    }
  }))

test('ps is read too', () => {
  const now = Date.UTC(2026, 0, 2)
  assert.equal(fromPs('    1 1-02:03:04 /sbin/init\n  42    00:05 node a.js -x\n', now), [
    { pid: 1, startedMs: now - 93_784_000, command: '/sbin/init' },
    { pid: 42, startedMs: now - 5000, command: 'node a.js -x' },
  ])
})

test('this very process is among the processes, as old as it is', () => {
  const own = processes().find(({ pid }) => pid === process.pid)
  assert.ok(own)
  assert.ok(Math.abs((own?.startedMs ?? 0) - performance.timeOrigin) < 3000)
})

test.run()
