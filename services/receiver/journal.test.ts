/** The write-ahead log: what was told of as durable is read back, a torn end is not, and a broken disk is told. */
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type Entry, Journal, readJournal } from './journal.js'
import { journalPath, openJournalFolder } from './journal-folder.js'

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
/** Of the place "objects". */
const placeDigest = createHash('sha256').update('objects').digest('hex').slice(0, 12)
/** What a receiver that comes now stores for others. */
const takenOver = async () => (await openJournalFolder(folder, { place: 'objects' })).takeOver()
const plain = (entries: readonly Entry[]) => entries.map(({ lines, ...rest }) => ({ ...rest, lines: Buffer.from(lines).toString() }))

test('entries that many append at once are all there, in the order they came', async () => {
  const path = join(folder, 'a.journal')
  const journal = await Journal.create(path)
  const entries = Array.from({ length: 500 }, (_, i) => entry(i))
  await Promise.all(entries.map((one) => journal.append(one)))
  await journal.close()
  assert.equal(plain((await readJournal(path)).entries), plain(entries))
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
    const { entries: read, torn } = await readJournal(path)
    assert.equal(plain(read), plain(entries.slice(0, Math.floor(length / size))), `cut at ${length}`)
    assert.is(torn, length % size, `cut at ${length}`)
  }
  for (let at = size; at < 2 * size; at++) {
    const changed = Buffer.from(whole)
    changed[at] = (changed[at] ?? 0) ^ 0x40
    writeFileSync(path, changed)
    const { entries: read, torn } = await readJournal(path)
    assert.equal(plain(read), plain([entry(0)]), `changed at ${at}`)
    assert.is(torn, 2 * size, 'the whole entry behind it is not forgotten')
  }
})

test('room that was never written to is no damage: a machine that lost its power may leave zeros', async () => {
  const path = join(folder, 'a.journal')
  const journal = await Journal.create(path)
  await journal.append(entry(0))
  await journal.close()
  for (const zeros of [1, 7, 8, 4096]) {
    writeFileSync(path, Buffer.concat([readFileSync(path), Buffer.alloc(zeros)]))
    const { entries, torn } = await readJournal(path)
    assert.equal([plain(entries), torn], [plain([entry(0)]), 0])
  }
  writeFileSync(path, Buffer.alloc(100))
  assert.equal(await readJournal(path), { entries: [], torn: 0 })
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
    console.log(JSON.stringify({ told, read: (await readJournal(path)).entries.length }))`
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
  const first = await openJournalFolder(folder, { place: 'objects' })
  const journal = await Journal.create(join(first.own, 'b.journal'))
  await journal.append(entry(0))
  await journal.close()
  // This process lives: nothing of its is taken.
  assert.equal(await takenOver(), [])
  const script = `
    import { openJournalFolder } from ${JSON.stringify(new URL('./journal-folder.js', import.meta.url).href)}
    import { Journal } from ${JSON.stringify(new URL('./journal.js', import.meta.url).href)}
    const { own } = await openJournalFolder(${JSON.stringify(folder)}, { place: 'objects' })
    const journal = await Journal.create(own + '/c.journal')
    await journal.append({ source: 1, first: 7, count: 1, format: 'common', lines: new Uint8Array([10]) })
    process.kill(process.pid, 'SIGKILL')`
  spawnSync(process.execPath, ['--input-type=module', '-e', script])
  const orphans = (await Promise.all([takenOver(), takenOver()])).flat()
  assert.is(orphans.length, 1)
  assert.is((await readJournal(orphans[0] ?? '')).entries[0]?.first, 7)
})

test('a receiver that has ended is no more, also while nobody has asked how it ended', async () => {
  const script = `
    import { openJournalFolder } from ${JSON.stringify(new URL('./journal-folder.js', import.meta.url).href)}
    import { writeFileSync } from 'node:fs'
    const { own } = await openJournalFolder(${JSON.stringify(folder)}, { place: 'objects' })
    writeFileSync(own + '/d.journal', '')
    console.log('written')
    process.kill(process.pid, 'SIGKILL')`
  // The shell becomes a program that never waits for the child that it inherits.
  const parent = spawn('sh', ['-c', '"$0" --input-type=module -e "$1" & exec sleep 600', process.execPath, script])
  try {
    // Its output ends when both have closed it; sleep does not.
    await new Promise((done) => parent.stdout.once('data', done))
    const deadline = performance.now() + 10_000
    let taken = await takenOver()
    while (taken.length === 0 && performance.now() < deadline) {
      await pause(10)
      taken = await takenOver()
    }
    assert.is(taken.length, 1)
  } finally {
    parent.kill('SIGKILL')
  }
})

test('a receiver whose process cannot be seen from here is no more when it gave no sign for long', async () => {
  // As one in another container, or on another machine, would leave it.
  const elsewhere = (stamp: string, silentMs: number) => {
    const own = join(folder, `1.77.0123456789ab.${placeDigest}-${stamp}`)
    mkdirSync(own)
    writeFileSync(join(own, `${stamp}.journal`), '')
    writeFileSync(join(own, 'alive'), '.')
    const at = new Date(Date.now() - silentMs)
    utimesSync(join(own, 'alive'), at, at)
  }
  elsewhere('a', 50_000)
  elsewhere('b', 70_000)
  const orphans = await takenOver()
  assert.is(orphans.length, 1)
  assert.match(orphans[0] ?? '', /\/b\.journal$/)
  assert.is(readdirSync(folder).filter((name) => name.startsWith('1.77.')).length, 1)
})

test('one that was taken for dead goes on: its batches are stored by both, and its next ones have a folder', async () => {
  const mine = await openJournalFolder(folder, { place: 'objects', signMs: 3_600_000 })
  const journal = await Journal.create(journalPath(mine.own, 'e'))
  await journal.append(entry(0))
  rmSync(mine.own, { recursive: true })
  await journal.append(entry(1))
  await journal.remove()
  const next = await Journal.create(journalPath(mine.own, 'f'))
  await next.append(entry(2))
  await next.close()
  assert.is((await readJournal(journalPath(mine.own, 'f'))).entries.length, 1)
})

test('journals for another place are left where they are, and told of once', async () => {
  const script = `
    import { openJournalFolder } from ${JSON.stringify(new URL('./journal-folder.js', import.meta.url).href)}
    import { writeFileSync } from 'node:fs'
    const { own } = await openJournalFolder(${JSON.stringify(folder)}, { place: process.argv[1] })
    if (process.argv[2] === 'used') writeFileSync(own + '/g.journal', '')
    process.kill(process.pid, 'SIGKILL')`
  const left = (place: string, how: string) => spawnSync(process.execPath, ['--input-type=module', '-e', script, place, how])
  left('/here', 'used')
  left('/there', 'used')
  left('/elsewhere', 'unused')
  const told: string[] = []
  const mine = await openJournalFolder(folder, { place: '/here', onTrouble: (message) => void told.push(message) })
  assert.is((await mine.takeOver()).length, 1)
  assert.is((await mine.takeOver()).length, 0)
  assert.is(told.length, 1)
  assert.match(told[0] ?? '', /for objects in \/there, not in \/here/)
  assert.is(readdirSync(folder).length, 2, 'a folder without journals goes, whoever it was for')
  const theirs = await openJournalFolder(folder, { place: '/there' })
  assert.is((await theirs.takeOver()).length, 1)
})

test.run()
