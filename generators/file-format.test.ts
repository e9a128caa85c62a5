/** The format of a log is found by its first lines. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { tryFormats } from './file-format.js'
import { openSource } from './open.js'
import { profileNamed } from './profiles.js'
import { type Format, formats } from './record.js'

const test = suite<{ folder: string }>('file format', { folder: '' })
test.before((context) => {
  context.folder = mkdtempSync(join(tmpdir(), 'weir-format-test-'))
})
test.after(({ folder }) => rmSync(folder, { recursive: true, force: true }))

async function linesOf(format: Format, count: number): Promise<Uint8Array> {
  const source = openSource({ kind: 'stream', source: 1, profile: 'web', seed: '1', format, ...profileNamed('web').defaults })
  const cursor = await source.open(0)
  const chunk = await cursor.next(count)
  await cursor.close()
  if (chunk?.count !== count) throw new Error('fewer lines than asked for')
  return chunk.lines
}

test('each format is told from the others, packed or not', async ({ folder }) => {
  for (const format of formats) {
    const file = join(folder, format)
    const lines = await linesOf(format, 200)
    for (const content of [lines, gzipSync(lines)]) {
      writeFileSync(file, content)
      assert.equal(await tryFormats(file), { lines: 200, records: { combined: 0, common: 0, json: 0, [format]: 200 } })
    }
  }
})

test('only the first lines are looked at; what is no record of any format counts for none', async ({ folder }) => {
  const file = join(folder, 'mixed')
  writeFileSync(file, Buffer.concat([Buffer.from('no record\n\n'), await linesOf('json', 5), await linesOf('common', 50)]))
  assert.equal(await tryFormats(file, 7), { lines: 7, records: { combined: 0, common: 0, json: 5 } })
  writeFileSync(file, '')
  assert.equal(await tryFormats(file), { lines: 0, records: { combined: 0, common: 0, json: 0 } })
})

test.run()
