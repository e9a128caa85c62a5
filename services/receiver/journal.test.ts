/** The write-ahead log: what was told of as durable is read back, a torn end is not, and a broken disk is told. */
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type Entry, Journal, readJournal } from './journal.js'
import { openJournalFolder } from './journal-folder.js'

let folder: string
test.before.each(() => {
  folder = mkdtempSync(join(tmpdir(), 'weir-journal-'))
})
test.after.each(() => rmSync(folder, { recursive: true, force: true }))

const entry = (first: number, text = `line ${first}\n`): Entry => ({
  source: 1,
  first,
  count: 1,
  format: 'common',
  lines: Buffer.from(text),
})
const plain = (entries: readonly Entry[]) => entries.map(({ lines, ...rest }) => ({ ...rest, lines: Buffer.from(lines).toString() }))

test('entries that many append at once are all there, in the order they came', async () => {
  const path = join(folder, 'a.journal')
  const journal = await Journal.create(path)
  const entries = Array.from({ length: 500 }, (_, i) => entry(i))
  await Promise.all(entries.map((one) => journal.append(one)))
  await journal.close()
  assert.equal(plain(await readJournal(path)), plain(entries))
})

test('wherever the file ends or a bit is wrong, what lies before is read and nothing else', async () => {
  const path = join(folder, 'a.journal')
  const journal = await Journal.create(path)
  const entries = [entry(0), entry(1), entry(2)]
  for (const one of entries) await journal.append(one)
  await journal.close()
  const whole = readFileSync(path)
  const size = whole.length / 3
  for (let length = 0; length <= whole.length; length++) {
    writeFileSync(path, whole.subarray(0, length))
    assert.equal(plain(await readJournal(path)), plain(entries.slice(0, Math.floor(length / size))), `cut at ${length}`)
  }
  for (let at = size; at < 2 * size; at++) {
    const changed = Buffer.from(whole)
    changed[at] = (changed[at] ?? 0) ^ 0x40
    writeFileSync(path, changed)
    assert.equal(plain(await readJournal(path)), plain([entry(0)]), `changed at ${at}`)
  }
})

test('a disk that is full is told to whoever waits, and to everybody after', () => {
  const script = `
    import { Journal, readJournal } from ${JSON.stringify(new URL('./journal.js', import.meta.url).href)}
    const path = ${JSON.stringify(join(folder, 'a.journal'))}
    const journal = await Journal.create(path)
    const lines = new Uint8Array(3000).fill(10)
    const told = []
    for (let first = 0; first < 4; first++)
      told.push(await journal.append({ source: 1, first, count: 3000, format: 'common', lines }).then(() => 'durable', () => 'refused'))
    console.log(JSON.stringify({ told, read: (await readJournal(path)).length }))`
  const { stdout, stderr } = spawnSync(
    'sh',
    ['-c', `trap '' XFSZ; ulimit -f 8; exec "$0" --input-type=module -e "$1"`, process.execPath, script],
    { encoding: 'utf8' },
  )
  const { told, read } = JSON.parse(stdout || '{}') as { told: readonly string[]; read: number }
  assert.ok(told !== undefined, stderr)
  assert.is(told.filter((word) => word === 'durable').length, read)
  assert.is(told.at(-1), 'refused')
  assert.is(told.indexOf('refused'), told.lastIndexOf('durable') + 1, told.join())
})

test('journals of a receiver that is no more are taken over once; those of one that lives are left alone', async () => {
  const first = await openJournalFolder(folder)
  const journal = await Journal.create(join(first.own, 'b.journal'))
  await journal.append(entry(0))
  await journal.close()
  // This process lives: nothing of its is taken.
  assert.equal((await openJournalFolder(folder)).orphans, [])
  const script = `
    import { openJournalFolder } from ${JSON.stringify(new URL('./journal-folder.js', import.meta.url).href)}
    import { Journal } from ${JSON.stringify(new URL('./journal.js', import.meta.url).href)}
    const { own } = await openJournalFolder(${JSON.stringify(folder)})
    const journal = await Journal.create(own + '/c.journal')
    await journal.append({ source: 1, first: 7, count: 1, format: 'common', lines: new Uint8Array([10]) })
    process.kill(process.pid, 'SIGKILL')`
  spawnSync(process.execPath, ['--input-type=module', '-e', script])
  const taken = await Promise.all([openJournalFolder(folder), openJournalFolder(folder)])
  const orphans = taken.flatMap((one) => one.orphans)
  assert.is(orphans.length, 1)
  assert.is((await readJournal(orphans[0] ?? ''))[0]?.first, 7)
})

test('a receiver that has ended is no more, also while nobody has asked how it ended', async () => {
  const script = `
    import { openJournalFolder } from ${JSON.stringify(new URL('./journal-folder.js', import.meta.url).href)}
    import { writeFileSync } from 'node:fs'
    const { own } = await openJournalFolder(${JSON.stringify(folder)})
    writeFileSync(own + '/d.journal', '')
    console.log('written')
    process.kill(process.pid, 'SIGKILL')`
  // The shell becomes a program that never waits for the child that it inherits.
  const parent = spawn('sh', ['-c', '"$0" --input-type=module -e "$1" & exec sleep 600', process.execPath, script])
  try {
    // Its output ends when both have closed it; sleep does not.
    await new Promise((done) => parent.stdout.once('data', done))
    const deadline = performance.now() + 10_000
    const orphans = async () => (await openJournalFolder(folder)).orphans
    let taken = await orphans()
    while (taken.length === 0 && performance.now() < deadline) {
      await pause(10)
      taken = await orphans()
    }
    assert.is(taken.length, 1)
  } finally {
    parent.kill('SIGKILL')
  }
})

test.run()
