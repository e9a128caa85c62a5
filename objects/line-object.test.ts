/** Objects of lines: what goes in comes out, names of persons lie in no open part, and a changed bit is refused. */
import { randomBytes } from 'node:crypto'
import * as fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { Inspector } from '../generators/inspector.js'
import { damaged, logged, render, runs } from '../generators/logged-lines.testing.js'
import { type Format, formats } from '../generators/record.js'
import { type Key, Keyring, parseKeys } from './keys.js'
import { type LineObject, mostStretches, openLines, RefusedObjectError, sealLines } from './line-object.js'

const inspector = new Inspector()
const key: Key = { id: 'k1', bytes: randomBytes(32) }
const keys = new Keyring([key])

function objectOf(lines: readonly (string | Uint8Array)[], format: Format): LineObject {
  const bytes = Buffer.concat(lines.flatMap((line) => [Buffer.from(line), Buffer.from('\n')]))
  return {
    format,
    createdAt: '2026-03-01T00:00:00.000Z',
    stretches: [{ source: 7, first: 100, count: lines.length, bytes: bytes.length }],
    lines: bytes,
  }
}

/** In two pieces. */
function sealed({ lines, ...rest }: LineObject, with_: Key | undefined): Buffer {
  const half = lines.indexOf(10, lines.length / 2) + 1
  const object = { ...rest, pieces: [lines.subarray(0, half), lines.subarray(half)] }
  return Buffer.concat(sealLines(object, with_ === undefined ? undefined : { key: with_, inspector }))
}

for (const format of formats) {
  test(`lines of ${format}, records or not, come out as they went in, with a key and without`, () => {
    fc.assert(
      fc.property(fc.array(damaged(format), { maxLength: 20 }), (lines) => {
        const object = objectOf(lines, format)
        for (const [with_, ring] of [
          [key, keys],
          [undefined, undefined],
        ] as const) {
          const { lines: back, ...rest } = openLines(sealed(object, with_), ring)
          assert.ok(Buffer.from(back).equals(object.lines))
          const { lines: _, ...expected } = object
          assert.equal(rest, expected)
        }
      }),
      runs,
    )
  })
}

test('no personal field of a record, and nothing of a line that is none, stands in a sealed object', () => {
  const lines = [
    '203.0.113.77 - annabelle [17/May/2015:10:05:03 +0000] "GET /a HTTP/1.1" 200 5 "-" "agent"',
    '2001:db8::77 - - [17/May/2015:10:05:04 +0000] "GET /b HTTP/1.1" 200 5 "-" "agent"',
    '203.0.113.78 no record of bertrand',
  ]
  const bytes = sealed(objectOf(lines, 'combined'), key).toString('latin1')
  for (const secret of ['203.0.113.77', 'annabelle', '2001:db8::77', '203.0.113.78', 'bertrand']) assert.not.match(bytes, secret)
  assert.match(bytes, 'GET /a HTTP/1.1')
  const json = objectOf([JSON.stringify({ remote_addr: '203.0.113.79', remote_user: 'claire' })], 'json')
  assert.not.match(sealed(json, key).toString('latin1'), /203|claire/)
})

test('whatever bit is changed, and wherever it is cut, the object is refused', () => {
  const object = objectOf(
    fc.sample(logged, { numRuns: 3, seed: 1 }).map((fields) => render(fields, 'combined')),
    'combined',
  )
  for (const [with_, ring] of [
    [key, keys],
    [undefined, undefined],
  ] as const) {
    const bytes = sealed(object, with_)
    for (let bit = 0; bit < bytes.length * 8; bit += 3) {
      const changed = Buffer.from(bytes)
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      assert.throws(
        () => openLines(changed, ring),
        (error: unknown) => error instanceof RefusedObjectError,
        `bit ${bit}`,
      )
    }
    for (let length = 0; length < bytes.length; length++)
      assert.throws(
        () => openLines(bytes.subarray(0, length), ring),
        (error: unknown) => error instanceof RefusedObjectError,
      )
  }
})

test('an object of as many stretches as a batch may have is read back', () => {
  const stretches = Array.from({ length: mostStretches }, (_, i) => ({ source: -(2 ** 31), first: 2 ** 47 + 2 * i, count: 1, bytes: 2 }))
  const pieces = [Buffer.alloc(2 * mostStretches, 'a\n')]
  const parts = sealLines({ format: 'common', createdAt: '2026-03-01T00:00:00.000Z', stretches, pieces }, undefined)
  const back = openLines(Buffer.concat(parts), undefined)
  assert.is(back.stretches.length, mostStretches)
  assert.equal(back.stretches.at(-1), stretches.at(-1))
  assert.is(back.lines.length, 2 * mostStretches)
})

test('keys are rotated by id: the first seals, the others still open, an unknown one is refused', () => {
  const old = { id: 'k0', bytes: randomBytes(32) }
  const object = objectOf(['192.0.2.1 - ann [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 1'], 'common')
  const before = sealed(object, old)
  const ring = parseKeys(`# current\nk1:${key.bytes.toString('base64')}\nk0:${old.bytes.toString('base64')}\n`)
  assert.is(ring.current.id, 'k1')
  assert.ok(Buffer.from(openLines(before, ring).lines).equals(object.lines))
  assert.throws(() => openLines(before, keys), /sealed with the key "k0", which is not known here/)
  assert.throws(() => openLines(before, undefined), /sealed with the key "k0"/)
  const another = new Keyring([{ id: 'k0', bytes: randomBytes(32) }])
  assert.throws(() => openLines(before, another), /its tag does not verify/)
})

test('the same lines sealed twice have nothing encrypted in common', () => {
  const object = objectOf(['192.0.2.1 - ann [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 1'], 'common')
  const tails = [1, 2].map(() => sealed(object, key).subarray(-30).toString('hex'))
  assert.is.not(tails[0], tails[1])
})

test('a key that is none is refused without being shown', () => {
  const secret = Buffer.alloc(16, 'secret').toString('base64')
  for (const text of ['', '# nothing', `k1:${secret}`, secret, `k1:${key.bytes.toString('base64')},k1:${key.bytes.toString('base64')}`]) {
    let said = ''
    try {
      parseKeys(text)
    } catch (error) {
      said = (error as Error).message
    }
    assert.ok(said !== '')
    assert.not.match(said, secret)
  }
})

test.run()
