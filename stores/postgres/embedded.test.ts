/** The embedded server from start to end: whatever becomes of Weir, no process, no socket and no throwaway file stays behind. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { InDoubtError } from '../store.js'
import { connect, PostgresError } from './connect.js'
import { EmbeddedServer } from './embedded.js'
import { holder } from './embedded.testing.js'
import { account, findBinaries, reachable } from './embedded-binaries.js'
import { chunksOf, failure, Ground, streamOf } from './servers.testing.js'

const root = process.getuid?.() === 0
const before = process.env['TMPDIR']
let scratch = ''

/** Each test has a temporary folder of its own, which must be empty in the end. */
test.before.each(() => {
  scratch = mkdtempSync(join(before ?? '/tmp', 'weir-embedded-test-'))
  chmodSync(scratch, 0o777)
  process.env['TMPDIR'] = scratch
})

test.after.each(() => {
  if (before === undefined) delete process.env['TMPDIR']
  else process.env['TMPDIR'] = before
  rmSync(scratch, { recursive: true, force: true })
})

const socketOf = (url: string) => new URL(url.replace('postgres:', 'http:')).searchParams.get('host') ?? ''

/** Neither there nor a zombie that nobody has waited for yet. */
function alive(pid: number): boolean {
  const { stdout } = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' })
  return stdout.trim() !== '' && !stdout.trim().startsWith('Z')
}

async function until(what: () => boolean): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    if (what()) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error('what was waited for did not happen within 30 s')
}

interface Held {
  readonly url: string
  readonly pid: number
  readonly data: string
}

/** Starts a process that holds a server. */
async function hold(dataDirectory?: string) {
  const child = spawn(process.execPath, [holder, ...(dataDirectory === undefined ? [] : [dataDirectory])], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, TMPDIR: scratch },
  })
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string]
  return { child, ...(JSON.parse(line) as Held) }
}

test('a server that was closed, twice even, leaves nothing', async () => {
  const server = await EmbeddedServer.start({ durability: 'power' })
  const processes = await server.processes()
  assert.ok(processes.length > 1)
  const socket = socketOf(server.url)
  assert.ok(existsSync(socket))
  await Promise.all([server.close(), server.close()])
  await server.close()
  assert.not(processes.some(alive))
  assert.equal(readdirSync(scratch), [])
  assert.not(existsSync(socket))
})

for (const signal of ['SIGKILL', 'SIGTERM', 'SIGINT'] as const) {
  test(`a process that ends by ${signal} leaves neither server nor files`, async () => {
    const { child, pid, data, url } = await hold()
    assert.ok(alive(pid) && existsSync(data) && existsSync(socketOf(url)))
    const ended = once(child, 'exit')
    child.kill(signal)
    assert.is((await ended)[1], signal)
    await until(() => !alive(pid) && !existsSync(dirname(data)) && !existsSync(socketOf(url)))
    assert.equal(readdirSync(scratch), [])
  })
}

test('a process that is killed before its server is ready leaves nothing either', async () => {
  const child = spawn(process.execPath, [holder], { stdio: 'ignore', env: { ...process.env, TMPDIR: scratch } })
  const ended = once(child, 'exit')
  // As soon as initdb is at work.
  await until(() => readdirSync(scratch).some((name) => existsSync(join(scratch, name, 'initdb.log'))))
  child.kill('SIGKILL')
  await ended
  await until(() => readdirSync(scratch).length === 0)
})

test('a server outlives the death of its keeper only until it is closed', async () => {
  const server = await EmbeddedServer.start({ durability: 'process' })
  const [pid = 0] = await server.processes()
  const keeper = Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1])
  process.kill(keeper, 'SIGKILL')
  await until(() => !alive(keeper))
  await server.close()
  await until(() => !alive(pid))
  assert.equal(readdirSync(scratch), [])
})

test('a data directory is kept, also by a process that is killed, and opened again with what is in it', async () => {
  const folder = join(scratch, 'kept', 'deep')
  const { child, url, pid } = await hold(folder)
  const client = await connect(url)
  await client.query('CREATE TABLE kept AS SELECT 42 AS answer')
  const second = await failure(EmbeddedServer.start({ durability: 'power', dataDirectory: folder }))
  assert.instance(second, PostgresError)
  assert.match(second.message, `another server uses the data directory ${folder}`)
  assert.is((await client.query('SELECT answer FROM kept')).rows[0].answer, 42)
  child.kill('SIGKILL')
  await client.end().catch(() => undefined)
  await until(() => !alive(pid) && !existsSync(socketOf(url)))
  assert.equal(readdirSync(scratch), ['kept'])

  const again = await EmbeddedServer.start({ durability: 'power', dataDirectory: folder })
  try {
    const reader = await connect(again.url)
    assert.is((await reader.query('SELECT answer FROM kept')).rows[0].answer, 42)
    await reader.end()
  } finally {
    await again.close()
  }
  assert.ok(existsSync(join(folder, 'data', 'PG_VERSION')))
  assert.equal(readdirSync(scratch), ['kept'])
})

test('a server that cannot start says why at once, and a folder that was there keeps what was in it', async () => {
  const folder = join(scratch, 'mine')
  mkdirSync(join(folder, 'data'), { recursive: true })
  writeFileSync(join(folder, 'data', 'precious'), 'x')
  const failed = await failure(EmbeddedServer.start({ durability: 'power', dataDirectory: folder }))
  assert.instance(failed, PostgresError)
  assert.match(failed.message, /initdb could not make a cluster in .*(exists but is not empty|ermission denied)/)
  assert.equal(readdirSync(folder), ['data'])
  assert.equal(readdirSync(join(folder, 'data')), ['precious'])

  const broken = join(scratch, 'broken')
  const server = await EmbeddedServer.start({ durability: 'power', dataDirectory: broken })
  await server.close()
  writeFileSync(join(broken, 'data', 'postgresql.conf'), 'no_such_setting = on\n')
  const refused = await failure(EmbeddedServer.start({ durability: 'power', dataDirectory: broken }))
  assert.match(refused.message, /the embedded server did not start: .*no_such_setting/)
  assert.ok(existsSync(join(broken, 'data', 'PG_VERSION')))
})

test('a folder that cannot be written to is a clear error', async () => {
  writeFileSync(join(scratch, 'file'), '')
  const failed = await failure(EmbeddedServer.start({ durability: 'power', dataDirectory: join(scratch, 'file', 'below') }))
  assert.match(failed.message, /choose another folder with --data or TMPDIR/)
  assert.equal(readdirSync(scratch), ['file'])
})

if (root) {
  test('a folder that is closed to the user that the server runs as is a clear error', async () => {
    const closed = join(scratch, 'closed')
    mkdirSync(closed, { mode: 0o700 })
    const failed = await failure(EmbeddedServer.start({ durability: 'power', dataDirectory: join(closed, 'data') }))
    assert.instance(failed, PostgresError)
    assert.match(failed.message, /closed to the user nobody/)
    assert.equal(readdirSync(closed), [])
    assert.equal(readdirSync(scratch), ['closed'])
  })

  test('binaries in a folder that is closed to that user are copied to where they are not', async () => {
    const { postgres } = await findBinaries()
    const closed = join(scratch, 'closed')
    mkdirSync(closed, { mode: 0o700 })
    spawnSync('cp', ['-a', dirname(dirname(postgres)), join(closed, 'native')])
    const as = account()
    const binaries = await reachable({ initdb: join(closed, 'native/bin/initdb'), postgres: join(closed, 'native/bin/postgres') }, as)
    assert.ok(binaries.postgres.startsWith(join(scratch, 'weir-postgres-binaries-')))
    const options = { uid: as?.uid ?? 0, gid: as?.gid ?? 0, cwd: '/', encoding: 'utf8' } as const
    assert.match(spawnSync(binaries.postgres, ['--version'], options).stdout, /PostgreSQL/)
    assert.match(spawnSync(binaries.initdb, ['--version'], options).stdout, /PostgreSQL/)
    assert.equal(await reachable({ initdb: '', postgres: join(closed, 'native/bin/postgres') }, as), binaries)
  })
} else {
  test.skip('a folder that is closed to the user that the server runs as is a clear error (needs root)', () => undefined)
  test.skip('binaries in a folder that is closed to that user are copied to where they are not (needs root)', () => undefined)
}

const small = mkdtempSync(join(tmpdir(), 'weir-embedded-small-'))
const mount = (megabytes: number) =>
  spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=777`, 'weir-test', small], { stdio: 'ignore' }).status === 0
const mayMount = root && mount(8)
if (mayMount) spawnSync('umount', [small])

async function onSmallDisk(megabytes: number, act: () => Promise<void>): Promise<void> {
  assert.ok(mount(megabytes))
  try {
    process.env['TMPDIR'] = small
    await act()
    assert.equal(readdirSync(small), [])
  } finally {
    spawnSync('umount', [small])
  }
}

if (mayMount) {
  test('a disk that is too small for a cluster is a clear error', () =>
    onSmallDisk(8, async () => {
      const failed = await failure(EmbeddedServer.start({ durability: 'power' }))
      assert.instance(failed, PostgresError)
      assert.match(failed.message, /no space left .* --data or TMPDIR/)
    }))

  test('a disk that fills up fails the batch, and the server goes all the same', () =>
    onSmallDisk(64, async () => {
      const server = await EmbeddedServer.start({ durability: 'process' })
      const ground = new Ground(server)
      try {
        const writer = ground.closing(await (await ground.run()).writer())
        const failed = await failure(
          writer.write(await chunksOf({ ...streamOf(), startMs: Date.UTC(2026, 0, 1), recordsPerDay: 1e6 }, 0, 200_000)),
        )
        // Which it is depends on what comes first to the end of the disk: a table, or the log, without which no server goes on.
        assert.ok(failed instanceof PostgresError || failed instanceof InDoubtError, String(failed))
        assert.match(failed.message, /No space left|its disk is full|terminat|closed the connection/)
        await ground.end().catch(() => undefined)
      } finally {
        await server.close()
      }
    }))
} else test.skip('a full disk is a clear error (needs to mount a tmpfs)', () => undefined)

test.after(() => rmSync(small, { recursive: true, force: true }))

test.run()
