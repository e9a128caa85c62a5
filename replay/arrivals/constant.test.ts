/** A schedule's two functions agree: what is due by a moment is what is due at or before it. */
import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { constant } from './constant.js'

test('dueBy counts exactly the records whose dueAt has come', () => {
  fc.assert(
    fc.property(fc.double({ min: 0.01, max: 5e6, noNaN: true }), fc.double({ min: 0, max: 1e6, noNaN: true }), (rate, elapsed) => {
      const arrivals = constant(rate)
      const due = arrivals.dueBy(elapsed)
      assert.ok(due >= 1)
      assert.ok(arrivals.dueAt(due - 1) <= elapsed)
      assert.ok(arrivals.dueAt(due) > elapsed)
    }),
  )
})

test('a constant rate is a constant distance', () => {
  const arrivals = constant(1000)
  assert.is(arrivals.dueAt(0), 0)
  assert.is(arrivals.dueAt(1500), 1500)
  assert.is(arrivals.dueBy(1500), 1501)
  assert.is(arrivals.dueBy(-1), 0)
})

test('a rate that is none is refused', () => {
  for (const rate of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) assert.throws(() => constant(rate), RangeError)
})

test.run()
