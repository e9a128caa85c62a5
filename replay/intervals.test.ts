/** Intervals hold what a plain set of numbers holds. */
import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { Intervals } from './intervals.js'

const span = fc.tuple(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 0, max: 15 }))

test('any additions in any order hold what a set holds, and say how many were new', () => {
  fc.assert(
    fc.property(fc.array(span), (spans) => {
      const intervals = new Intervals()
      const set = new Set<number>()
      for (const [from, length] of spans) {
        const before = set.size
        for (let x = from; x < from + length; x++) set.add(x)
        assert.is(intervals.add(from, from + length), set.size - before)
      }
      assert.is(intervals.size, set.size)
      for (let x = 0; x < 80; x++) assert.is(intervals.has(x), set.has(x))
      const missing = intervals.missing(5, 70).flatMap(({ from, to }) => Array.from({ length: to - from }, (_, i) => from + i))
      assert.equal(
        missing,
        Array.from({ length: 65 }, (_, i) => i + 5).filter((x) => !set.has(x)),
      )
      for (const [i, { from, to }] of intervals.list().entries()) {
        assert.ok(from < to)
        const next = intervals.list()[i + 1]
        if (next !== undefined) assert.ok(next.from > to, 'neighbours are merged')
      }
    }),
  )
})

test('a run of neighbours stays one interval', () => {
  const intervals = new Intervals()
  for (let i = 0; i < 1000; i++) intervals.add(i * 10, i * 10 + 10)
  assert.equal(intervals.list(), [{ from: 0, to: 10_000 }])
})

test.run()
