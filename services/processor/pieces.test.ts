/** The lines of some records, out of objects of any shape. */
import * as fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { RefusedObjectError } from '../../objects/line-object.js'
import { chunksOf } from './pieces.js'

/** Lines say which record they are, in different lengths. */
const lineOf = (source: number, position: number) => `${source} ${position} ${'x'.repeat(position % 7)}\n`

/** Stretches apart from each other, and parts of them. */
const made = fc
  .array(
    fc.record({
      source: fc.nat(2),
      count: fc.integer({ min: 1, max: 20 }),
      cuts: fc.array(fc.nat(20), { maxLength: 6 }),
    }),
    { minLength: 1, maxLength: 6 },
  )
  .map((shapes) => {
    const stretches = shapes.map(({ source, count }, i) => {
      const first = i * 100
      const text = Array.from({ length: count }, (_, k) => lineOf(source, first + k)).join('')
      return { source, first, count, bytes: text.length, text }
    })
    const ranges = stretches.flatMap(({ source, first, count }, i) => {
      const cuts = [...new Set([0, ...(shapes[i]?.cuts ?? []).filter((cut) => cut < count), count])].sort((a, b) => a - b)
      // Every second piece: what lies between was brought by another object.
      return cuts.slice(1).flatMap((to, k) => (k % 2 === 0 ? [{ source, first: first + (cuts[k] ?? 0), count: to - (cuts[k] ?? 0) }] : []))
    })
    return { stretches, ranges, lines: Buffer.from(stretches.map(({ text }) => text).join('')) }
  })

test('each range gets its own lines', () => {
  fc.assert(
    fc.property(made, ({ stretches, ranges, lines }) => {
      const chunks = chunksOf({ stretches, lines }, ranges)
      assert.equal(
        chunks.map(({ source, first, count }) => ({ source, first, count })),
        ranges,
      )
      for (const { source, first, count, lines } of chunks) {
        assert.is(Buffer.from(lines).toString(), Array.from({ length: count }, (_, k) => lineOf(source, first + k)).join(''))
      }
    }),
    { numRuns: 1000 },
  )
})

test('records that the object does not have, or has no lines for, are refused', () => {
  const lines = Buffer.from('a\nb\nc\n')
  const stretches = [{ source: 1, first: 10, count: 3, bytes: 6 }]
  for (const range of [
    { source: 2, first: 10, count: 1 },
    { source: 1, first: 9, count: 2 },
    { source: 1, first: 12, count: 2 },
  ])
    assert.throws(
      () => chunksOf({ stretches, lines }, [range]),
      (error: unknown) => error instanceof RefusedObjectError,
    )
  assert.throws(
    () => chunksOf({ stretches: [{ source: 1, first: 10, count: 9, bytes: 6 }], lines }, [{ source: 1, first: 14, count: 1 }]),
    /fewer lines/,
  )
})

test.run()
