/** weir serve receiver --instances as its users start it: what it says, how it ends, and that nothing is left, even when it is killed. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { openLines } from '../objects/line-object.js'
import { balancers } from '../services/receiver/instances/door.js'
import { missing } from '../services/receiver/instances/start.js'
import { main, weir } from './weir.js'

let folder: string
test.before.each(() => {
  folder = mkdtempSync(join(tmpdir(), 'weir-instances-test-'))
  mkdirSync(join(folder, 'temporary'))
})
test.after.each(() => rmSync(folder, { recursive: true, force: true }))

interface Serving {
  readonly child: ChildProcess
  readonly url: string
  readonly ended: Promise<{ readonly status: number | null; readonly stdout: string; readonly stderr: string }>
}

/** Starts it; with a folder for temporary files of its own. */
async function serve(words: readonly string[]): Promise<Serving> {
  const clean = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('WEIR_')))
  const child = spawn(process.execPath, [main, 'serve', 'receiver', '--objects', join(folder, 'objects'), ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...clean, TMPDIR: join(folder, 'temporary') },
  })
  const texts = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const)
    child[name].on('data', (chunk: Buffer) => {
      texts[name] += chunk.toString()
    })
  const ended = new Promise<Awaited<Serving['ended']>>((done) => child.once('close', (status) => done({ status, ...texts })))
  const url = await new Promise<string>((done, fail) => {
    createInterface({ input: child.stdout }).once('line', done)
    void ended.then(({ status, stderr }) => fail(new Error(`status ${status}: ${stderr}`)))
  })
  return { child, url, ended }
}

/** Process ids of all that come from a process, itself not included. */
function descendants(pid: number): readonly number[] {
  const rows = execFileSync('ps', ['-eo', 'pid=,ppid='], { encoding: 'utf8' }).trim().split('\n')
  const children = rows.flatMap((row) => {
    const [own, parent] = row.trim().split(/\s+/).map(Number)
    return parent === pid && own !== undefined ? [own] : []
  })
  return children.flatMap((child) => [child, ...descendants(child)])
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return !execFileSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' }).startsWith('Z')
  } catch {
    return false
  }
}

function stored(): number {
  const objects = join(folder, 'objects')
  return readdirSync(objects)
    .filter((name) => !name.startsWith('.'))
    .map((name) => openLines(readFileSync(join(objects, name)), undefined).stretches.reduce((sum, { count }) => sum + count, 0))
    .reduce((sum, count) => sum + count, 0)
}

async function send(url: string, position: number): Promise<number> {
  const answer = await fetch(`${url}/v1/lines`, {
    method: 'POST',
    body: '192.0.2.7 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 5 "-" "agent"\n',
    headers: { 'content-type': 'text/plain', 'weir-source': '5', 'weir-first': String(position), connection: 'close' },
  })
  await answer.arrayBuffer()
  return answer.status
}

for (const name of balancers) {
  const remedy = missing(name)
  const check = (what: string, work: () => Promise<void>) => {
    if (remedy === undefined) test(`${name}: ${what}`, work)
    else test.skip(`${name}: ${what} (needs ${remedy})`, () => undefined)
  }
  const words = ['--instances', '2', '--balancer', name]

  check('told to stop it stores all, and leaves no process, port or file', async () => {
    const { child, url, ended } = await serve(words)
    const born = descendants(child.pid ?? 0)
    assert.ok(born.length >= 2)
    for (let position = 0; position < 10; position++) assert.is(await send(url, position), 202)
    child.kill('SIGTERM')
    const { status, stdout, stderr } = await ended
    assert.is(status, 130, stderr)
    assert.is(stdout, `${url}\n`)
    assert.is(
      stderr,
      `2 instances behind ${name}\nstopping in order; once more to stop at once\nweir: stopped; every request under way was answered\n`,
    )
    assert.is(stored(), 10)
    assert.equal(born.filter(lives), [])
    assert.equal(readdirSync(join(folder, 'temporary')), [])
    assert.equal(readdirSync(join(folder, 'objects', '.journals')), [])
    assert.instance(await fetch(url).catch((error: Error) => error), Error)
  })

  check('killed, it takes everything with it but journals, which the next one stores', async () => {
    const { child, url, ended } = await serve(words)
    const born = descendants(child.pid ?? 0)
    for (let position = 0; position < 10; position++) assert.is(await send(url, position), 202)
    child.kill('SIGKILL')
    await ended
    const deadline = performance.now() + 30_000
    while ((born.some(lives) || readdirSync(join(folder, 'temporary')).length > 0) && performance.now() < deadline) await pause(10)
    assert.equal(born.filter(lives), [])
    assert.equal(readdirSync(join(folder, 'temporary')), [])
    assert.is(stored(), 0)
    const next = await serve(words)
    next.child.kill('SIGTERM')
    assert.is((await next.ended).status, 130)
    assert.is(stored(), 10)
  })

  check('a port in use is told before anything is started', async () => {
    const other = createServer()
    await new Promise<void>((done) => other.listen(0, '127.0.0.1', done))
    const { port } = other.address() as AddressInfo
    try {
      const error = String(await serve([...words, '--port', String(port)]).catch((reason: unknown) => reason))
      assert.match(error, `status 1: 2 instances behind ${name}`)
      assert.match(error, `cannot listen on 127.0.0.1, port ${port}: somebody else listens there: choose another port`)
      assert.equal(readdirSync(join(folder, 'temporary')), [])
      assert.not(readdirSync(folder).includes('objects'))
    } finally {
      await new Promise((done) => other.close(done))
    }
  })
}

test('unless told otherwise it takes the first balancer that is here', async () => {
  const { child, ended } = await serve(['--instances', '1'])
  child.kill('SIGTERM')
  const { stderr } = await ended
  assert.match(stderr, `1 instance behind ${balancers.find((name) => missing(name) === undefined)}`)
})

test('the command line is checked, and help fits a screen', () => {
  for (const [words, said] of [
    [['--balancer', 'nginx'], '--balancer goes with --instances N'],
    [['--instances', '0'], 'at least 1'],
    [['--instances', '257'], 'at most 256'],
    [['--instances', '2', '--balancer', 'nginy'], 'nginx'],
  ] as const) {
    const { status, stderr } = weir(['serve', 'receiver', '--objects', folder, ...words])
    assert.is(status, 2, stderr)
    assert.match(stderr, said)
  }
  assert.ok(weir(['serve', '--help']).stdout.trimEnd().split('\n').length <= 24)
  assert.match(weir(['serve', '--help-all']).stdout, '--balancer NAME')
})

test.run()
