/** A file's records are its lines, plain or packed, however long they are. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openSource } from './open.js'
import { keptLineBytes } from './record.js'

const test = suite('file', { folder: '' })

test.before((context) => {
  context.folder = mkdtempSync(join(tmpdir(), 'weir-file-'))
})
test.after((context) => rmSync(context.folder, { recursive: true }))

const source = (path: string) => openSource({ kind: 'file', source: 1, path, format: 'combined' })

async function read(path: string, first = 0, step = 1000): Promise<{ text: string; count: number; position: number }> {
  const cursor = await source(path).open(first)
  let text = ''
  let count = 0
  for (let lines = await cursor.next(step); lines !== undefined; lines = await cursor.next(step)) {
    assert.ok(lines.count <= step)
    assert.is(lines.lines.filter((byte) => byte === 10).length, lines.count)
    text += Buffer.from(lines.lines).toString('latin1')
    count += lines.count
  }
  await cursor.close()
  return { text, count, position: cursor.position }
}

test('lines come back byte for byte from any position, in any steps, plain and packed', async ({ folder }) => {
  const path = join(folder, 'any.log')
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.string({ maxLength: 200 }).map((line) => line.replaceAll('\n', ''))),
      fc.boolean(),
      fc.boolean(),
      fc.nat(20),
      fc.integer({ min: 1, max: 30 }),
      async (lines, ended, packed, first, step) => {
        const text = lines.join('\n') + (ended && lines.length > 0 ? '\n' : '')
        const content = Buffer.from(text, 'latin1')
        writeFileSync(path, packed ? gzipSync(content) : content)
        const expected = text === '' ? [] : text.replace(/\n$/, '').split('\n')
        const latin = expected.map((line) => Buffer.from(line, 'latin1').toString('latin1'))
        const got = await read(path, first, step)
        assert.is(
          got.text,
          latin
            .slice(first)
            .map((line) => `${line}\n`)
            .join(''),
        )
        assert.is(await source(path).length(), expected.length)
      },
    ),
    { numRuns: 100 },
  )
})

test('a line too long to hold ships only its beginning, and the lines around it stay whole', async ({ folder }) => {
  const longest = keptLineBytes + 65_536
  for (const packed of [false, true]) {
    for (const [length, shipped] of [
      [longest, longest],
      [longest + 1, keptLineBytes + 1],
      [5_000_000, keptLineBytes + 1],
    ] as const) {
      for (const end of ['\nafter\n', '\n', '']) {
        const path = join(folder, 'long.log')
        const content = Buffer.from(`before\n${'x'.repeat(length)}${end}`)
        writeFileSync(path, packed ? gzipSync(content) : content)
        const got = await read(path)
        const after = end.startsWith('\nafter') ? 'after\n' : ''
        assert.ok(got.text === `before\n${'x'.repeat(shipped)}\n${after}`, `${length} ${JSON.stringify(end)}: ${got.text.length}`)
        assert.is(await source(path).length(), got.count)
      }
    }
  }
})

test('members of gzip one after another are one log', async ({ folder }) => {
  const path = join(folder, 'two.gz')
  writeFileSync(path, Buffer.concat([gzipSync('a\nb'), gzipSync('c\nd\n')]))
  assert.is((await read(path)).text, 'a\nbc\nd\n')
})

test('what cannot be read is named, with the remedy', async ({ folder }) => {
  const fails = async (path: string, pattern: RegExp) => {
    try {
      await source(path).length()
    } catch (error) {
      assert.match((error as Error).message, pattern)
      return
    }
    assert.unreachable(`${path} was read`)
  }
  await fails(join(folder, 'absent.log'), /absent\.log does not exist; check the name/)
  await fails(folder, /is a folder; name a log file in it/)
  const cut = join(folder, 'cut.gz')
  writeFileSync(cut, gzipSync(Buffer.from('a line\n'.repeat(100_000))).subarray(0, 300))
  await fails(cut, /cut\.gz is a damaged or truncated gzip file/)
})

test.run()
