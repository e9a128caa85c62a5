/** The embedded engine from start to end: whatever becomes of Weir, no process and no throwaway file stays behind. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { makerOf } from '../temporary.js'
import { EmbeddedEngine, EngineError } from './embedded.js'
import { answerTo, clientOf, failure, type Held, holder, until } from './embedded.testing.js'

const before = process.env['TMPDIR']
let scratch = ''

/** Each test has a temporary folder of its own, which must be empty in the end. */
test.before.each(() => {
  scratch = mkdtempSync(join(before ?? '/tmp', 'weir-engine-test-'))
  process.env['TMPDIR'] = scratch
})

test.after.each(() => {
  if (before === undefined) delete process.env['TMPDIR']
  else process.env['TMPDIR'] = before
  rmSync(scratch, { recursive: true, force: true })
})

/** Neither there nor a zombie that nobody has waited for yet. */
function alive(pid: number): boolean {
  const { stdout } = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' })
  return stdout.trim() !== '' && !stdout.trim().startsWith('Z')
}

const parentOf = (pid: number) => Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1])

/** Starts a process that holds an engine. */
async function hold(dataDirectory?: string) {
  const child = spawn(process.execPath, [holder, ...(dataDirectory === undefined ? [] : [dataDirectory])], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, TMPDIR: scratch },
  })
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string]
  return { child, ...(JSON.parse(line) as Held) }
}

test('an engine that was closed, twice even, leaves nothing', async () => {
  const engine = await EmbeddedEngine.start({ durability: 'power' })
  assert.equal(engine.processes(), [engine.pid])
  assert.is(dirname(engine.folder), scratch)
  assert.is(makerOf(readdirSync(scratch)[0] ?? ''), process.pid)
  assert.ok(alive(engine.pid))
  await Promise.all([engine.close(), engine.close()])
  await engine.close()
  assert.equal(engine.processes(), [])
  assert.not(alive(engine.pid))
  assert.equal(readdirSync(scratch), [])
})

for (const signal of ['SIGKILL', 'SIGTERM', 'SIGINT'] as const) {
  test(`a process that ends by ${signal} leaves neither engine nor files`, async () => {
    const { child, pid, folder } = await hold()
    assert.ok(alive(pid) && existsSync(folder))
    const ended = once(child, 'exit')
    child.kill(signal)
    assert.is((await ended)[1], signal)
    await until(() => !alive(pid) && !existsSync(folder))
    assert.equal(readdirSync(scratch), [])
  })
}

test('a process that is killed before its engine is ready leaves nothing either', async () => {
  const child = spawn(process.execPath, [holder], { stdio: 'ignore', env: { ...process.env, TMPDIR: scratch } })
  const ended = once(child, 'exit')
  await until(() => readdirSync(scratch).some((name) => existsSync(join(scratch, name, 'engine.log'))))
  child.kill('SIGKILL')
  await ended
  await until(() => readdirSync(scratch).length === 0)
})

test('neither engine nor keeper is in the session that a terminal signals', async () => {
  const engine = await EmbeddedEngine.start({ durability: 'process' })
  try {
    const session = (pid: number) => spawnSync('ps', ['-o', 'sid=', '-p', String(pid)], { encoding: 'utf8' }).stdout.trim()
    assert.is(session(engine.pid), session(parentOf(engine.pid)))
    assert.is.not(session(engine.pid), session(process.pid))
  } finally {
    await engine.close()
  }
})

test('an engine outlives the death of its keeper only until it is closed', async () => {
  const engine = await EmbeddedEngine.start({ durability: 'process' })
  const keeper = parentOf(engine.pid)
  process.kill(keeper, 'SIGKILL')
  await until(() => !alive(keeper))
  await engine.close()
  assert.not(alive(engine.pid))
  assert.equal(readdirSync(scratch), [])
})

test('an engine that is killed is known to have ended', async () => {
  const engine = await EmbeddedEngine.start({ durability: 'process' })
  process.kill(engine.pid, 'SIGKILL')
  await until(() => engine.ended)
  assert.equal(engine.processes(), [])
  await engine.close()
  assert.equal(readdirSync(scratch), [])
})

test('a data directory is kept and opened again with what is in it; a second engine there says whose it is', async () => {
  // A name that ends a string, or is escaped in a URL, is a name all the same.
  const folder = join(scratch, "kept 'q' %20#&", 'deep')
  const { child, url, pid } = await hold(folder)
  const client = clientOf(url)
  await client.command({ query: 'CREATE DATABASE kept' })
  await client.command({ query: 'CREATE TABLE kept.t (answer UInt8) ENGINE MergeTree ORDER BY answer' })
  await client.insert({ table: 'kept.t', values: [{ answer: 42 }], format: 'JSONEachRow' })
  const second = await failure(EmbeddedEngine.start({ durability: 'power', dataDirectory: folder }))
  assert.instance(second, EngineError)
  assert.ok(second.message.includes(`another server uses the data directory ${folder}`), second.message)
  assert.is(await answerTo(client, 'SELECT answer FROM kept.t'), '42')
  await client.insert({ table: 'kept.t', values: [{ answer: 43 }], format: 'JSONEachRow' })
  child.kill('SIGKILL')
  await client.close()
  await until(() => !alive(pid))

  for (const durability of ['power', 'process'] as const) {
    const again = await EmbeddedEngine.start({ durability, dataDirectory: folder })
    const reader = clientOf(again.url)
    try {
      assert.is(await answerTo(reader, 'SELECT sum(answer) FROM kept.t'), '85')
    } finally {
      await reader.close()
      await again.close()
    }
    assert.not(alive(again.pid))
  }
  assert.ok(existsSync(join(folder, 'data')))
})

for (const [durability, value] of [
  ['power', '1'],
  ['process', '0'],
] as const) {
  test(`durability ${durability} shows in the settings of the live engine`, async () => {
    const engine = await EmbeddedEngine.start({ durability })
    const client = clientOf(engine.url)
    try {
      const names = [
        'fsync_after_insert',
        'fsync_part_directory',
        'min_rows_to_fsync_after_merge',
        'min_compressed_bytes_to_fsync_after_merge',
      ]
      for (const name of names) {
        assert.is(await answerTo(client, `SELECT value FROM system.merge_tree_settings WHERE name = '${name}'`), value, name)
      }
      assert.is(await answerTo(client, `SELECT value FROM system.settings WHERE name = 'fsync_metadata'`), value)
      assert.is(await answerTo(client, `SELECT value FROM system.settings WHERE name = 'async_insert'`), '0')
      // What the settings promise: an insert is waited for until it lies on the disk, or is not.
      await client.command({ query: 'CREATE TABLE t (a UInt8) ENGINE MergeTree ORDER BY a' })
      const syncs = async () =>
        Number(await answerTo(client, `SELECT sum(value) FROM system.events WHERE event IN ('FileSync', 'DirectorySync')`))
      const syncsBefore = await syncs()
      await client.insert({ table: 't', values: [{ a: 1 }], format: 'JSONEachRow' })
      assert.is((await syncs()) > syncsBefore, durability === 'power')
    } finally {
      await client.close()
      await engine.close()
    }
  })
}

test('where chdb is not installed, the error says what installs it', async () => {
  // The same program in a folder from which no package is found.
  const dist = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
  const copy = join(scratch, 'elsewhere')
  cpSync(join(dist, 'stores'), join(copy, 'stores'), { recursive: true })
  writeFileSync(join(copy, 'package.json'), '{"type":"module"}')
  const program = `import { EmbeddedEngine } from './stores/clickhouse/embedded.js'
    await EmbeddedEngine.start({ durability: 'power' }).catch((error) => console.log(error.name, error.message))`
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', program], { cwd: copy, encoding: 'utf8' })
  assert.match(stdout, /^EngineError .*npm install chdb, or give the URL of a server/)
  assert.equal(readdirSync(scratch), ['elsewhere'])
})

test('a folder that cannot be written to is a clear error', async () => {
  writeFileSync(join(scratch, 'file'), '')
  const failed = await failure(EmbeddedEngine.start({ durability: 'power', dataDirectory: join(scratch, 'file', 'below') }))
  assert.instance(failed, EngineError)
  assert.match(failed.message, /cannot keep its files in .* --data or TMPDIR/)
  assert.equal(readdirSync(scratch), ['file'])
})

test('a folder whose name is a pattern to ClickHouse is refused', async () => {
  const failed = await failure(EmbeddedEngine.start({ durability: 'power', dataDirectory: join(scratch, 'a{b,c}') }))
  assert.instance(failed, EngineError)
  assert.match(failed.message, /reads as a pattern/)
  assert.equal(readdirSync(scratch), [])
})

test('a folder that holds something else keeps it, and the error says where it lies', async () => {
  const folder = join(scratch, 'mine')
  mkdirSync(folder)
  writeFileSync(join(folder, 'data'), 'precious')
  const failed = await failure(EmbeddedEngine.start({ durability: 'power', dataDirectory: folder }))
  assert.instance(failed, EngineError)
  assert.ok(failed.message.includes(folder), failed.message)
  assert.is(readFileSync(join(folder, 'data'), 'utf8'), 'precious')
})

const small = mkdtempSync(join(before ?? '/tmp', 'weir-engine-small-'))
const mount = (kilobytes: number) =>
  spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${kilobytes}k,mode=777`, 'weir-test', small], { stdio: 'ignore' }).status === 0
const mayMount = process.getuid?.() === 0 && mount(64)
if (mayMount) spawnSync('umount', [small])

async function onSmallDisk(kilobytes: number, act: () => Promise<void>): Promise<void> {
  assert.ok(mount(kilobytes))
  try {
    process.env['TMPDIR'] = small
    await act()
    assert.equal(
      readdirSync(small).filter((name) => name !== 'ballast'),
      [],
    )
  } finally {
    spawnSync('umount', [small])
  }
}

if (mayMount) {
  test('a disk without room for an engine is a clear error', () =>
    onSmallDisk(64, async () => {
      spawnSync('dd', ['if=/dev/zero', `of=${join(small, 'ballast')}`, 'bs=4096', 'count=16'], { stdio: 'ignore' })
      const failed = await failure(EmbeddedEngine.start({ durability: 'power' }))
      assert.instance(failed, EngineError)
      assert.match(failed.message, /no space left .* --data or TMPDIR/)
    }))

  test('a disk that fills up fails the insert, keeps what was stored, and the engine goes all the same', () =>
    onSmallDisk(40_000, async () => {
      const engine = await EmbeddedEngine.start({ durability: 'power' })
      const client = clientOf(engine.url)
      try {
        await client.command({ query: 'CREATE TABLE t (a UInt64, b String) ENGINE MergeTree ORDER BY a' })
        await client.insert({ table: 't', values: [{ a: 1, b: 'x' }], format: 'JSONEachRow' })
        const failed = await failure(client.command({ query: 'INSERT INTO t SELECT number, randomString(100) FROM numbers(1000000)' }))
        assert.match(`${(failed as { type?: string }).type} ${failed.message}`, /NOT_ENOUGH_SPACE|No space left/)
        assert.is(await answerTo(client, 'SELECT count() FROM t'), '1')
      } finally {
        await client.close()
        await engine.close()
      }
      assert.not(alive(engine.pid))
    }))
} else test.skip('a full disk is a clear error (needs to mount a tmpfs)', () => undefined)

test.after(() => rmSync(small, { recursive: true, force: true }))

test.run()
