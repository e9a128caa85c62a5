/** Offers: each record is found in the chunk that it was offered in, once, in any order. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { Offers } from './offers.js'

const taken = (offers: Offers, first: number, count: number) => [...offers.take(first, count)]

test('a range is told by the chunks that it came in', () => {
  const offers = new Offers()
  offers.add(100, 10, 1)
  offers.add(110, 5, 2)
  offers.add(115, 20, 3)
  assert.equal(taken(offers, 108, 10), [
    { count: 2, atMs: 1 },
    { count: 5, atMs: 2 },
    { count: 3, atMs: 3 },
  ])
  assert.equal(taken(offers, 100, 8), [{ count: 8, atMs: 1 }])
  assert.equal(taken(offers, 118, 17), [{ count: 17, atMs: 3 }])
  assert.equal(taken(offers, 135, 5), [])
})

test('what is over is let go, what is not stays, however long it goes on', () => {
  const offers = new Offers()
  for (let chunk = 0; chunk < 10_000; chunk++) {
    offers.add(chunk * 10, 10, chunk)
    // Every second batch overtakes the one before it.
    if (chunk % 2 === 1) {
      assert.equal(taken(offers, chunk * 10, 10), [{ count: 10, atMs: chunk }])
      assert.equal(taken(offers, chunk * 10 - 10, 10), [{ count: 10, atMs: chunk - 1 }])
    }
  }
  assert.ok((offers as unknown as { chunks: unknown[] }).chunks.length < 3000)
})

test.run()
