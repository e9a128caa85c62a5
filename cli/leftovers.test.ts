/** What a crash left is told from what is in use, and removed with the processes that run in it. */
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { leftovers, removeLeftover } from './leftovers.js'
import { fromPs, processes } from './processes.js'

async function inFolder(use: (folder: string) => void | Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'weir-clean-test-'))
  try {
    mkdirSync(join(folder, 'weir-run-abc'))
    mkdirSync(join(folder, 'somebody-else'))
    await use(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

test("only Weir's folders are listed", () =>
  inFolder((folder) => {
    assert.equal(
      leftovers(folder, []).map(({ path }) => path),
      [join(folder, 'weir-run-abc')],
    )
  }))

test('a folder that a living program of Weir may have made is in use', () =>
  inFolder((folder) => {
    const command = 'node /opt/weirbench/dist/cli/main.js run'
    const hourMs = 3_600_000
    assert.is(leftovers(folder, [{ pid: 1, startedMs: Date.now() - hourMs, command }]).length, 0)
    assert.is(leftovers(folder, [{ pid: 1, startedMs: Date.now() + hourMs, command }]).length, 1)
    assert.is(leftovers(folder, [{ pid: 1, startedMs: Date.now() - hourMs, command: 'node server.js' }]).length, 1)
  }))

test('a folder whose name says who made it is in use as long as that process lives', () =>
  inFolder((folder) => {
    mkdirSync(join(folder, 'weir-run-4711-Xy12Zw'))
    const command = 'node /opt/weirbench/dist/cli/main.js run'
    const startedMs = Date.now() - 3_600_000
    const others = (running: Parameters<typeof leftovers>[1]) => leftovers(folder, running).map(({ path }) => path)
    assert.equal(others([{ pid: 4711, startedMs, command: 'node anything.js' }]), [join(folder, 'weir-run-abc')])
    assert.equal(others([{ pid: 4712, startedMs, command }]), [join(folder, 'weir-run-4711-Xy12Zw')])
    // The number has passed to a process that began later than the folder.
    assert.is(others([{ pid: 4711, startedMs: Date.now() + 3_600_000, command }]).length, 2)
  }))

test('removal ends the processes that run in the folder, and no others', () =>
  inFolder(async (folder) => {
    const path = join(folder, 'weir-run-abc')
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
