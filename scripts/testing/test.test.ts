/** The test runner sees what a test file does wrong, tried on files that do it. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

const runner = fileURLToPath(new URL('../test.js', import.meta.url))
const uvu = import.meta.resolve('uvu')
const head = `import { test } from ${JSON.stringify(uvu)}\n`

const fixtures: Readonly<Record<string, string>> = {
  'good.test.js': `${head}test('one', () => {}); test('two', () => console.log('CHATTER')); test.run()`,
  'red.test.js': `${head}test('fine', () => {}); test('broken', () => { throw new Error('WHY IT BROKE') }); test.run()`,
  'forgot.test.js': `${head}test('never run', () => {})`,
  'empty.test.js': `${head}test.run()`,
  'exits.test.js': `${head}test('x', () => process.exit(0)); test.run()`,
  'skips.test.js': `${head}test('one', () => {}); test.skip('two (needs a moon)', () => {}); test.run()`,
  'hangs.test.js': `${head}test('x', () => new Promise(() => setInterval(() => {}, 1000))); test.run()`,
  'child.test.js': `${head}import { spawn } from 'node:child_process'
    test('x', () => { spawn('sleep', ['60'], { stdio: 'inherit' }).unref() }); test.run()`,
  'daemon.test.js': `${head}import { spawn } from 'node:child_process'
    test('x', () => { spawn('sleep', ['61'], { stdio: 'ignore', detached: true }).unref() }); test.run()`,
  'status.test.js': `${head}test('x', () => { process.on('exit', () => { process.exitCode = 3 }) }); test.run()`,
  'order-a.serial.test.js': `${head}test('x', () => {}); test.run()`,
}

function runTests(names: readonly string[], environment: Readonly<Record<string, string>> = {}): { status: number | null; output: string } {
  const folder = mkdtempSync(join(tmpdir(), 'weir-runner-'))
  try {
    mkdirSync(join(folder, 'deep'))
    for (const name of names) writeFileSync(join(folder, 'deep', name), fixtures[name] ?? '')
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
    const { status, stdout } = spawnSync(process.execPath, [runner], {
      encoding: 'utf8',
      env: { ...process.env, CI: '', WEIR_TEST_FOLDER: folder, ...environment },
    })
    return { status, output: stdout }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** A killed process that nobody has waited for yet is as gone as one that is not listed. */
function gone(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return / Z /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'))
  } catch {
    return true
  }
}

const last = (output: string): string | undefined => output.trimEnd().split('\n').at(-1)

test('passing files are counted and stay silent', () => {
  const { status, output } = runTests(['good.test.js', 'order-a.serial.test.js'])
  assert.is(status, 0)
  assert.is(last(output), '3 passed, 0 failed')
  assert.not.match(output, 'CHATTER')
})

test('a failing test shows its file whole', () => {
  const { status, output } = runTests(['good.test.js', 'red.test.js'])
  assert.is(status, 1)
  assert.is(last(output), '3 passed, 1 failed')
  assert.match(output, 'WHY IT BROKE')
  assert.match(output, /FAIL {2}deep\/red\.test\.js/)
})

test('a file that forgot to run, registered nothing, or left early fails', () => {
  const { status, output } = runTests(['forgot.test.js', 'empty.test.js', 'exits.test.js'])
  assert.is(status, 1)
  assert.is(last(output), '0 passed, 3 failed')
  assert.match(output, 'does it end with test.run()?')
  assert.match(output, 'registered no test')
})

test('a skip is named, and fails in CI', () => {
  const here = runTests(['skips.test.js'])
  assert.is(here.status, 0)
  assert.match(here.output, 'skipped: two (needs a moon)')
  assert.is(last(here.output), '1 passed, 0 failed, 1 skipped')
  const ci = runTests(['skips.test.js'], { CI: 'true' })
  assert.is(ci.status, 1)
  assert.is(last(ci.output), '1 passed, 1 failed')
})

test('a file that hangs is killed at its limit', () => {
  const { status, output } = runTests(['hangs.test.js'], { WEIR_TEST_TIMEOUT_MS: '1000' })
  assert.is(status, 1)
  assert.match(output, 'killed after 1 s')
  assert.is(last(output), '0 passed, 1 failed')
})

test('a process left behind fails its file, in the group or out of it, and is killed', () => {
  const { status, output } = runTests(['child.test.js', 'daemon.test.js'])
  assert.is(status, 1)
  const pids = [...output.matchAll(/left a process behind: (\d+) sleep 6[01]/g)].map((match) => Number(match[1]))
  assert.is(pids.length, 2)
  for (const pid of pids) assert.ok(gone(pid), `${pid} lives`)
})

test('a status other than 0 after passing tests fails', () => {
  const { status, output } = runTests(['status.test.js'])
  assert.is(status, 1)
  assert.match(output, 'its tests passed, yet it ended with 3')
})

test('no file at all is a failure', () => {
  const { status, output } = runTests([])
  assert.is(status, 1)
  assert.is(last(output), '0 passed, 0 failed')
})

test.run()
