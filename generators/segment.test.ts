/** Segments are contiguous, cover everything, and differ by at most one record. */
import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { segment } from './segment.js'

test('the last third of 200,000', () => {
  assert.equal(segment(200_000, 3, 3), { first: 133_333, count: 66_667 })
})

test('segments follow one another and cover the whole', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }), fc.integer({ min: 1, max: 200 }), (length, count) => {
      let next = 0
      for (let index = 1; index <= count; index++) {
        const share = segment(length, index, count)
        assert.is(share.first, next)
        assert.ok(Math.abs(share.count - length / count) <= 1)
        next += share.count
      }
      assert.is(next, length)
    }),
  )
})

test('a segment that does not exist is refused', () => {
  assert.throws(() => segment(10, 0, 3), /numbered from 1\/N/)
  assert.throws(() => segment(10, 4, 3), /segment 4\/3 does not exist/)
})

test.run()
