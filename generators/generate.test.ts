/** The engine of `weir generate` writes the stream's bytes, whatever the number of threads and wherever they go. */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { generate } from './generate.js'
import { profileNamed } from './profiles.js'
import { Renderer } from './renderer.js'
import type { StreamSpec } from './source.js'

const test = suite('generate', { folder: '' })

test.before((context) => {
  context.folder = mkdtempSync(join(tmpdir(), 'weir-generate-'))
})
test.after((context) => rmSync(context.folder, { recursive: true }))

const spec: StreamSpec = { kind: 'stream', source: 1, profile: 'web', seed: '7', format: 'combined', ...profileNamed('web').defaults }

function expected(first: number, count: number): string {
  const renderer = new Renderer(spec)
  const hash = createHash('sha256')
  for (let done = 0; done < count; ) {
    const rendered = renderer.render(first + done, count - done)
    hash.update(rendered.bytes)
    done += rendered.count
  }
  return hash.digest('hex')
}

const hashOf = (...paths: string[]) => {
  const hash = createHash('sha256')
  for (const path of paths) hash.update(readFileSync(path))
  return hash.digest('hex')
}

test('one, two and three threads write the same bytes in the same order', async ({ folder }) => {
  const path = join(folder, 'out.log')
  for (const [first, count] of [
    [0, 50_000],
    [12_345, 30_001],
    [8192, 8192],
    [5, 1],
    [77, 0],
  ] as const) {
    for (const workers of [1, 2, 3]) {
      const fd = openSync(path, 'w')
      const done = await generate({ spec, first, count, workers, sink: { fd } })
      closeSync(fd)
      assert.is(done.records, count)
      assert.is(done.bytes, readFileSync(path).length)
      assert.is(hashOf(path), expected(first, count), `${first} ${count} ${workers}`)
    }
  }
})

test('files of a folder, one after another, are the same bytes', async ({ folder }) => {
  const directory = join(folder, 'new/files')
  const done = await generate({ spec, first: 100, count: 25_000, workers: 2, sink: { directory, recordsPerFile: 10_000 } })
  assert.is(done.files, 3)
  const names = readdirSync(directory).sort()
  assert.equal(names, ['access-000001.log', 'access-000002.log', 'access-000003.log'])
  assert.is(hashOf(...names.map((name) => join(directory, name))), expected(100, 25_000))
})

test('a folder that already holds such files, or is none, is refused by name', async ({ folder }) => {
  const directory = join(folder, 'taken')
  mkdirSync(directory)
  writeFileSync(join(directory, 'access-000001.log'), 'mine\n')
  await fails({ directory }, /taken already holds access-000001\.log; choose an empty folder/)
  assert.is(readFileSync(join(directory, 'access-000001.log'), 'utf8'), 'mine\n')
  const file = join(folder, 'file')
  writeFileSync(file, '')
  await fails({ directory: file }, /file is not a folder; choose another/)
})

test('a full disk is an error that says so', async () => {
  if (!existsSync('/dev/full')) return
  const fd = openSync('/dev/full', 'w')
  await fails({ fd }, /no space left for the output; free some/)
  closeSync(fd)
})

test('an abort stops it and removes what is incomplete', async ({ folder }) => {
  const directory = join(folder, 'aborted')
  const controller = new AbortController()
  const running = generate({
    spec,
    first: 0,
    count: 1e12,
    workers: 2,
    sink: { directory, recordsPerFile: 1e12 },
    signal: controller.signal,
    onProgress: ({ records }) => {
      if (records > 0) controller.abort(new Error('enough'))
    },
  })
  try {
    await running
    assert.unreachable()
  } catch (error) {
    assert.is((error as Error).message, 'enough')
  }
  assert.equal(readdirSync(directory), [])
})

const program = `
import { generate } from ${JSON.stringify(new URL('./generate.js', import.meta.url).href)}
const done = await generate({ spec: ${JSON.stringify(spec)}, first: 0, count: Number(process.argv[1]), workers: 2, sink: { fd: 1 } })
process.stderr.write(JSON.stringify(done))
`

test('a closed pipe ends it quietly', async () => {
  const child = spawn(process.execPath, ['--input-type=module', '-e', program, '1000000000'], { stdio: ['ignore', 'pipe', 'pipe'] })
  let told = ''
  child.stderr.on('data', (data) => {
    told += data
  })
  child.stdout.once('data', () => child.stdout.destroy())
  const [status] = await once(child, 'close')
  assert.is(status, 0)
  assert.is(JSON.parse(told).closed, true)
})

test('a slow reader gets every byte', async () => {
  const child = spawn(process.execPath, ['--input-type=module', '-e', program, '60000'], { stdio: ['ignore', 'pipe', 'ignore'] })
  const hash = createHash('sha256')
  for await (const part of child.stdout) {
    hash.update(part)
    await new Promise(setImmediate)
  }
  assert.is(hash.digest('hex'), expected(0, 60_000))
})

async function fails(sink: { fd: number } | { directory: string }, pattern: RegExp): Promise<void> {
  try {
    await generate({ spec, first: 0, count: 1000, workers: 2, sink })
  } catch (error) {
    assert.match((error as Error).message, pattern)
    return
  }
  assert.unreachable('it should have failed')
}

test.run()
