/** Objects in a directory, beyond the contract: what a crash has left does not count, and a full disk is told of. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { openFolder } from './folder.js'

let folder: string
test.before.each(() => {
  folder = mkdtempSync(join(tmpdir(), 'weir-objects-'))
})
test.after.each(() => rmSync(folder, { recursive: true, force: true }))

test('what a crash has left is neither listed nor kept', async () => {
  const gone = spawnSync(process.execPath, ['-e', '']).pid
  const living = `.partial-${process.ppid}-0badcafe-1`
  for (const name of [`.partial-${gone}-0badcafe-1`, `.partial-${process.pid}-0badcafe-1`, living])
    writeFileSync(join(folder, name), 'half')
  const objects = await openFolder({ folder })
  assert.equal(await objects.list('', 10), [])
  assert.equal(readdirSync(folder), [living], 'what another process is writing')
})

test('what others keep in the folder is not listed', async () => {
  const objects = await openFolder({ folder })
  await objects.put('a', [Buffer.from('object')])
  for (const name of ['lost+found', 'journals', '.journals']) mkdirSync(join(folder, name))
  for (const name of ['README', 'Thumbs.db', 'a b']) writeFileSync(join(folder, name), '')
  symlinkSync('nowhere', join(folder, 'link'))
  assert.equal(await objects.list('', 10), ['a'])
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
