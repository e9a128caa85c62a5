/** Objects in a directory: whole or not there, in order, and what a crash has left does not count. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { openFolder } from './folder.js'
import { MissingObjectError } from './objects.js'

let folder: string
test.before.each(() => {
  folder = mkdtempSync(join(tmpdir(), 'weir-objects-'))
})
test.after.each(() => rmSync(folder, { recursive: true, force: true }))

test('what was put is there, in the order of the names', async () => {
  const objects = await openFolder({ folder: join(folder, 'made', 'anew') })
  for (const name of ['b-2', 'a-1', 'c-3']) await objects.put(name, [Buffer.from(name), Buffer.from('!')])
  assert.equal(await objects.list('', 10), ['a-1', 'b-2', 'c-3'])
  assert.equal(await objects.list('a-1', 1), ['b-2'])
  assert.is(Buffer.from(await objects.get('b-2')).toString(), 'b-2!')
  await objects.remove('b-2')
  await objects.remove('b-2')
  assert.instance(await objects.get('b-2').catch((error: unknown) => error), MissingObjectError)
})

test('names that lead elsewhere are refused', async () => {
  const objects = await openFolder({ folder })
  for (const name of ['../a', 'a/b', '.partial-1', '', 'A', 'a\n'])
    assert.match(String(await objects.put(name, []).catch((error: unknown) => error)), 'is no name for an object')
})

test('what a crash has left is neither listed nor kept', async () => {
  // No process has the first number; the second one's is at work.
  writeFileSync(join(folder, '.partial-99999999-1'), 'half')
  writeFileSync(join(folder, `.partial-${process.ppid}-1`), 'half')
  const objects = await openFolder({ folder })
  assert.equal(await objects.list('', 10), [])
  assert.equal(readdirSync(folder), [`.partial-${process.ppid}-1`])
  rmSync(join(folder, `.partial-${process.ppid}-1`))
})

test('a disk that takes only a part keeps nothing, and the error names the folder', () => {
  const script = `
    import { openFolder } from ${JSON.stringify(new URL('./folder.js', import.meta.url).href)}
    const objects = await openFolder({ folder: ${JSON.stringify(folder)} })
    await objects.put('a', [new Uint8Array(100_000)]).catch((error) => console.log(error.message))
    console.log(JSON.stringify(await objects.list('', 10)))`
  const { stdout, stderr } = spawnSync(
    'sh',
    ['-c', `trap '' XFSZ; ulimit -f 8; exec "$0" --input-type=module -e "$1"`, process.execPath, script],
    { encoding: 'utf8' },
  )
  assert.match(stdout, `the object a could not be written to ${folder}`, stderr)
  assert.match(stdout, /^\[\]$/m)
  assert.equal(readdirSync(folder), [])
})

test.run()
