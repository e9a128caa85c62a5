/** The contract of objects, on every kind of place that keeps them. */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { BufferPool } from '../generators/buffer-pool.js'
import { openObjects } from './index.js'
import { MissingObjectError, type Objects, TakenNameError } from './objects.js'
import { onS3 } from './s3.testing.js'

/** Opens a place that is empty the first time; `beneath` one lies within it, and opens another. */
type Open = (beneath?: string) => Promise<Objects>

function onEveryKind(name: string, body: (open: Open) => Promise<void>): void {
  test(`${name}, in a folder`, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'weir-objects-'))
    try {
      await opening((beneath) => join(folder, 'made', 'anew', beneath), body)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
  onS3(`${name}, in S3`, async (server) => {
    const [bucketAndPrefix = '', options = ''] = server.place().split('?')
    await opening((beneath) => `${bucketAndPrefix}/${beneath}?${options}`, body)
  })
}

async function opening(place: (beneath: string) => string, body: (open: Open) => Promise<void>): Promise<void> {
  const opened: Objects[] = []
  try {
    await body(async (beneath = '') => {
      const objects = await openObjects({ place: place(beneath) })
      opened.push(objects)
      return objects
    })
  } finally {
    await Promise.all(opened.map((objects) => objects.close()))
  }
}

const failure = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  )
const bytes = (text: string): readonly Uint8Array[] => [Buffer.from(text)]

onEveryKind('what was put is there, in the order of the names, until it is removed', async (open) => {
  const objects = await open()
  for (const name of ['b-2', 'a-1', 'c.3', 'b']) await objects.put(name, [Buffer.from(name), Buffer.from('!')])
  assert.equal(await objects.list('', 10), ['a-1', 'b', 'b-2', 'c.3'])
  assert.is(Buffer.from(await objects.get('b-2')).toString(), 'b-2!')
  await objects.remove('b-2')
  await objects.remove('b-2')
  assert.equal(await objects.list('', 10), ['a-1', 'b', 'c.3'])
  assert.instance(await failure(objects.get('b-2')), MissingObjectError)
})

onEveryKind('bytes come back as they went in: none, few, in parts, and many', async (open) => {
  const objects = await open()
  const all = {
    none: [],
    empty: [Buffer.alloc(0)],
    odd: [Buffer.from([0]), Buffer.from('\r\n\xff', 'latin1')],
    many: [randomBytes(5e6), randomBytes(3e6 + 1)],
  }
  for (const [name, parts] of Object.entries(all)) {
    await objects.put(name, parts)
    assert.ok(Buffer.concat(parts).equals(await objects.get(name)), name)
  }
})

onEveryKind('an object is read into a buffer that was given, and into none that others hold', async (open) => {
  const objects = await open()
  const pool = new BufferPool()
  for (const [name, size] of [
    ['small', 100],
    ['large', 300_000],
  ] as const) {
    const content = randomBytes(size)
    await objects.put(name, [content])
    const first = await objects.get(name, pool)
    pool.give(first)
    const second = await objects.get(name, pool)
    assert.ok(content.equals(second))
    assert.is(second.buffer, first.buffer)
  }
})

onEveryKind('names are listed in pages, however many there are, from behind a name that need not be there', async (open) => {
  const objects = await open()
  const names = Array.from({ length: 1_030 }, (_, i) => `n-${String(i).padStart(5, '0')}`)
  const left = [...names].reverse()
  await Promise.all(
    Array.from({ length: 16 }, async () => {
      for (let name = left.pop(); name !== undefined; name = left.pop()) await objects.put(name, bytes(name))
    }),
  )
  assert.equal(await objects.list('', 5_000), names)
  assert.equal(await objects.list('n-00009', 3), ['n-00010', 'n-00011', 'n-00012'])
  assert.equal(await objects.list('n-00009.5', 1), ['n-00010'])
  assert.equal(await objects.list('n-01029', 3), [])
  assert.equal(await objects.list('', 0), [])
  const paged: string[] = []
  for (let page = await objects.list('', 400); page.length > 0; page = await objects.list(paged.at(-1) ?? '', 400)) paged.push(...page)
  assert.equal(paged, names)
})

onEveryKind('a name that is taken stays with the first: the same bytes count as stored, others are refused', async (open) => {
  const objects = await open()
  await objects.put('a', bytes('first'))
  await objects.put('a', [Buffer.from('fir'), Buffer.from('st')])
  const refused = await failure(objects.put('a', bytes('other')))
  assert.instance(refused, TakenNameError)
  assert.match(String(refused), 'another object has the name a')
  assert.is(Buffer.from(await objects.get('a')).toString(), 'first')
  await objects.remove('a')
  await objects.put('a', bytes('other'))
  assert.is(Buffer.from(await objects.get('a')).toString(), 'other')
})

onEveryKind('of several that put under one name at once, one succeeds, and its object is there whole', async (open) => {
  const places = await Promise.all([open(), open()])
  const contents = Array.from({ length: 8 }, () => randomBytes(200_000))
  const ends = await Promise.all(contents.map((content, i) => failure(places[i % 2]?.put('a', [content]) ?? Promise.resolve())))
  const stored = contents.filter((_, i) => ends[i] === undefined)
  assert.is(stored.length, 1, ends.map(String).join('\n'))
  assert.ok(stored[0]?.equals(await places[0].get('a')))
})

onEveryKind('what was put is there for others, and for those who come later', async (open) => {
  const [one, other] = await Promise.all([open(), open()])
  await one.put('a', bytes('1'))
  assert.is(Buffer.from(await other.get('a')).toString(), '1')
  await one.close()
  const later = await open()
  assert.equal(await later.list('', 10), ['a'])
})

onEveryKind('a place within a place keeps its objects to itself', async (open) => {
  const [outer, inner] = await Promise.all([open(), open('inner')])
  await outer.put('z', bytes('outer'))
  await inner.put('a', bytes('inner'))
  assert.equal((await outer.list('', 10)).includes('a'), false)
  assert.equal(await inner.list('', 10), ['a'])
  assert.instance(await failure(outer.get('a')), MissingObjectError)
})

onEveryKind('names that lead elsewhere are refused', async (open) => {
  const objects = await open()
  for (const name of ['../a', 'a/b', '.partial-1', '', 'A', 'a\n', 'ä', 'a'.repeat(201)]) {
    for (const work of [objects.put(name, []), objects.get(name), objects.remove(name)])
      assert.match(String(await failure(work)), 'is no name for an object')
  }
})

test.run()
