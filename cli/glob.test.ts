/** Patterns of file names: what each sign stands for, and what it does not. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { filesLike, isPattern } from './glob.js'

const folder = mkdtempSync(join(tmpdir(), 'weir-glob-test-'))
for (const path of ['a.json', 'b.json', 'a+(1).json', '.hidden.json', 'x/a.json', 'x/y/b.json', '.git/a.json']) {
  mkdirSync(join(folder, path, '..'), { recursive: true })
  writeFileSync(join(folder, path), '')
}
// A link that leads back to where the search begins.
symlinkSync(folder, join(folder, 'x', 'loop'))
test.after(() => rmSync(folder, { recursive: true }))

const like = (pattern: string) => filesLike(pattern, folder)

test('signs within a name', async () => {
  assert.equal(await like('*.json'), ['a+(1).json', 'a.json', 'b.json'])
  assert.equal(await like('?.json'), ['a.json', 'b.json'])
  assert.equal(await like('a+(1).*'), ['a+(1).json'])
  assert.equal(await like('./x/*.json'), ['x/a.json'])
  assert.equal(await like('.h*'), ['.hidden.json'])
})

test('folders', async () => {
  assert.equal(await like('*/a.json'), ['x/a.json'])
  assert.equal(await like('**/b.json'), ['b.json', 'x/y/b.json'])
  assert.equal(await like('x/../?.json'), ['a.json', 'b.json'])
  assert.equal(await like('none/*.json'), [])
  assert.equal(await like(join(folder, 'x', '*.json')), [join(folder, 'x', 'a.json')])
})

test('what is a pattern', () => {
  assert.equal(['a*', 'a?', 'a.json', 'a[1]'].map(isPattern), [true, true, false, false])
})

test.run()
