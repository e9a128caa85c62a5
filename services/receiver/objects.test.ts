/** The receiver on objects in a folder and in S3: what it does when they are away, and when a batch had become one already. */
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { Inspector } from '../../generators/inspector.js'
import { openObjects } from '../../objects/index.js'
import { parseKeys } from '../../objects/keys.js'
import { MissingObjectError, type Objects, TakenNameError } from '../../objects/objects.js'
import { onS3 } from '../../objects/s3.testing.js'
import { Batch } from './batch.js'
import { type Answer, good, linesOf, TestReceiver } from './receiver.testing.js'
import type { ReceiverSettings } from './server.js'

type Place = Pick<ReceiverSettings, 'objects'> & { readonly journals: string }

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'weir-receiver-objects-'))
  try {
    await work(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function onEveryKind(name: string, body: (place: Place) => Promise<void>): void {
  test(`${name}, in a folder`, () => inFolder((folder) => body({ objects: join(folder, 'objects'), journals: join(folder, 'journals') })))
  onS3(`${name}, in S3`, (server) => inFolder((folder) => body({ objects: server.place(), journals: join(folder, 'journals') })))
}

const from = (first: number, source = 3) => ({ 'weir-source': String(source), 'weir-first': String(first) })
const line = (position: number) => `${good.replace('/a', `/${position}`)}\n`
const lines = (first: number, count: number) => Array.from({ length: count }, (_, i) => line(first + i)).join('')
const keys = parseKeys(`k1:${Buffer.alloc(32, 7).toString('base64')}`)

/** A batch whose object is there although its journal is: the receiver had its end in between. */
async function storedTwice(place: Place, settings: Partial<ReceiverSettings>): Promise<readonly string[]> {
  const receiver = await TestReceiver.start({ ...place, ...settings })
  try {
    await receiver.send(lines(0, 4), from(0))
    await receiver.send(lines(4, 3), from(4, 9))
    const saved = `${place.journals}-saved`
    cpSync(place.journals, saved, { recursive: true })
    await receiver.stop()
    for (const own of readdirSync(saved))
      cpSync(join(saved, own), join(place.journals, own.replace(/^\d+\.\d+/, '1.0')), { recursive: true })
    await receiver.again({ ...place, ...settings })
    await receiver.stop()
    assert.equal(readdirSync(place.journals), [], 'no journal is left')
    const objects = await receiver.stored(settings.keys)
    assert.is(objects.length, 1, receiver.troubles.join('\n'))
    return linesOf(objects)
  } finally {
    await receiver.remove()
  }
}

for (const [how, settings] of [
  ['without keys', {}],
  ['sealed with a key', { keys }],
] as const) {
  onEveryKind(`a batch that had become an object before the end is not stored again, ${how}`, async (place) => {
    assert.equal(await storedTwice(place, settings), `${lines(0, 4)}${lines(4, 3)}`.trimEnd().split('\n'))
  })
}

onEveryKind('a batch whose object is gone when its journal is found gets another name: processors know the first', async (place) => {
  const receiver = await TestReceiver.start(place)
  try {
    await receiver.send(lines(0, 4), from(0))
    const saved = `${place.journals}-saved`
    cpSync(place.journals, saved, { recursive: true })
    await receiver.stop()
    const objects = await openObjects({ place: place.objects })
    try {
      const [name = ''] = await objects.list('', 10)
      await objects.remove(name)
      for (const own of readdirSync(saved))
        cpSync(join(saved, own), join(place.journals, own.replace(/^\d+\.\d+/, '1.0')), { recursive: true })
      await receiver.again(place)
      await receiver.stop()
      assert.equal(await objects.list('', 10), [`${name}-recovered`])
    } finally {
      await objects.close()
    }
    assert.equal(linesOf(await receiver.stored()), lines(0, 4).trimEnd().split('\n'))
  } finally {
    await receiver.remove()
  }
})

for (const [what, there] of [
  ['another object', () => Promise.resolve(Buffer.from('of somebody else'))],
  ['nothing that can be read', () => Promise.reject(new MissingObjectError('b'))],
] as const) {
  test(`where the name of a batch is taken by ${what}, it gets another name, and what is there stays`, async () => {
    const names: string[] = []
    const objects = {
      get: there,
      async put(name: string) {
        names.push(name)
        if (name === 'b') throw new TakenNameError(name, 'a place')
      },
    } as Partial<Objects> as Objects
    const batch = new Batch('b', 'combined', undefined, new Date(0))
    await batch.add({ source: 1, first: 0, count: 1, format: 'combined', lines: Buffer.from(`${good}\n`) })
    const refused = await batch.store(objects, new Inspector(), undefined).catch((error: unknown) => error)
    assert.instance(refused, TakenNameError)
    assert.ok((await batch.store(objects, new Inspector(), undefined)) > good.length)
    assert.equal(names, ['b', 'b-again'])
  })
}

for (const acknowledgement of ['append', 'object'] as const) {
  onS3(
    `while the S3 server is away the receiver takes what it can hold and pushes back; nothing is lost when it returns, ${acknowledgement}`,
    (server) =>
      inFolder(async (folder) => {
        const receiver = await TestReceiver.start({
          objects: server.place(),
          journals: join(folder, 'journals'),
          acknowledgement,
          batchRecords: 10,
          mostHeldBytes: 45 * line(0).length,
        })
        try {
          assert.equal(
            (await Promise.all([receiver.send(lines(0, 5), from(0)), receiver.send(lines(5, 5), from(5))])).map(({ status }) => status),
            [202, 202],
          )
          await server.kill()
          // Those who wait for an object get no answer until there is one.
          const answers: Promise<Answer>[] = []
          let pushedBack = false
          for (let first = 10; !pushedBack; first += 5) {
            const answer = receiver.send(lines(first, 5), from(first))
            answers.push(answer)
            void answer.then(({ status }) => {
              pushedBack ||= status === 503
            })
            await pause(20)
          }
          while (receiver.troubles.length === 0) await pause(20)
          assert.match(receiver.troubles[0] ?? '', `${server.endpoint}: ECONN`)
          await server.again()
          const statuses = (await Promise.all(answers)).map(({ status }) => status)
          assert.is(statuses.filter((status) => status !== 202 && status !== 503).length, 0, statuses.join())
          const taken = statuses.flatMap((status, i) => (status === 202 ? [10 + 5 * i] : []))
          assert.ok(taken.length >= 6, statuses.join())
          await receiver.stop()
          assert.equal(
            [...linesOf(await receiver.stored())].sort(),
            [0, 5, ...taken].flatMap((first) => lines(first, 5).trimEnd().split('\n')).sort(),
          )
          assert.equal(readdirSync(join(folder, 'journals')), [])
        } finally {
          await server.again()
          await receiver.remove()
        }
      }),
  )
}

test.run()
