/** What receivers leave each other, and when a batch is full, beside its records. */
import { mkdirSync, mkdtempSync, readdirSync, rmdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { openObjects } from '../../objects/index.js'
import { openLines } from '../../objects/line-object.js'
import type { Objects } from '../../objects/objects.js'
import { Intake, type IntakeOptions } from './intake.js'
import { Journal } from './journal.js'
import { type JournalFolder, noJournals } from './journal-folder.js'
import { defaultSettings } from './server.js'

const lines = () => Buffer.from('a line\n')

async function with_(
  options: Partial<IntakeOptions>,
  work: (intake: Intake, objects: Objects, troubles: readonly string[]) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'weir-intake-'))
  const objects = await openObjects({ place: folder })
  const troubles: string[] = []
  const onTrouble = (message: string) => void troubles.push(message)
  const whole = { ...defaultSettings, objects, journals: noJournals, mostBytes: 1 << 20, keys: undefined, onTrouble, ...options }
  const intake = await Intake.start(whole)
  try {
    await work(intake, objects, troubles)
  } finally {
    await intake.end()
    rmSync(folder, { recursive: true, force: true })
  }
}

test('a batch is full when its header has to name no more entries', async () => {
  await with_({ acknowledgement: 'object', mostEntries: 3 }, async (intake, objects) => {
    const offered = (first: number) => ({ format: 'common' as const, count: 1, lines: lines(), identity: { source: 1, first: 2 * first } })
    await Promise.all(Array.from({ length: 6 }, (_, i) => intake.take(offered(i))))
    const names = await objects.list('', 10)
    const stretches = await Promise.all(names.map(async (name) => openLines(await objects.get(name), undefined).stretches.length))
    assert.equal(stretches, [3, 3])
  })
})

test('a journal that cannot be read now is read later: nothing is known to be wrong with it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'weir-journals-'))
  try {
    const path = join(folder, 'a.journal')
    // What no user may read, not even root.
    mkdirSync(path)
    const left = [path]
    const journals: JournalFolder = { own: folder, takeOver: async () => left.splice(0), close: async () => undefined }
    await with_({ journals }, async (intake, objects, troubles) => {
      await intake.takeOver()
      assert.is(troubles.length, 1, 'told once')
      assert.match(troubles[0] ?? '', /a\.journal cannot be read, and is tried again: EISDIR/)
      assert.equal(readdirSync(folder), ['a.journal'])
      rmdirSync(path)
      const journal = await Journal.create(path)
      await journal.append({ source: 1, first: 7, count: 1, format: 'common', lines: lines() })
      await journal.close()
      await intake.takeOver()
      await intake.end()
      assert.is((await objects.list('', 10)).length, 1)
      assert.equal(readdirSync(folder), [])
    })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

test.run()
