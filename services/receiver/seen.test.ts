/** What was seen, against a plain set of positions. */
import * as fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { Seen } from './seen.js'

test('a range is new, known or overlapping as a set of its positions says', () => {
  const ranges = fc.array(
    fc.record({
      source: fc.integer({ min: 0, max: 2 }),
      first: fc.integer({ min: 0, max: 60 }),
      count: fc.integer({ min: 1, max: 12 }),
      drop: fc.boolean(),
    }),
    { maxLength: 60 },
  )
  fc.assert(
    fc.property(ranges, (all) => {
      const seen = new Seen()
      const model = new Set<string>()
      for (const { drop, ...range } of all) {
        const places = Array.from({ length: range.count }, (_, i) => `${range.source}:${range.first + i}`)
        const known = places.filter((place) => model.has(place)).length
        assert.is(seen.sight(range), known === 0 ? 'new' : known === places.length ? 'known' : 'overlapping')
        if (known > 0) continue
        seen.add(range)
        for (const place of places) model.add(place)
        if (!drop) continue
        seen.remove(range)
        for (const place of places) model.delete(place)
      }
    }),
    { numRuns: 2000 },
  )
})

test('a source that sends in order takes one span; beyond the bound, the sources seen longest ago are forgotten', () => {
  const seen = new Seen(3)
  for (let first = 0; first < 1000; first += 10) seen.add({ source: 1, first, count: 10 })
  assert.is(seen.sight({ source: 1, first: 0, count: 1000 }), 'known')
  for (const first of [0, 10, 20]) seen.add({ source: 2, first, count: 5 })
  assert.is(seen.sight({ source: 1, first: 0, count: 1 }), 'new')
  assert.is(seen.sight({ source: 2, first: 20, count: 5 }), 'known')
})

test('a source alone beyond the bound forgets its lowest positions', () => {
  const seen = new Seen(10)
  for (let first = 0; first < 1000; first += 10) seen.add({ source: 1, first, count: 5 })
  assert.is(seen.sight({ source: 1, first: 990, count: 5 }), 'known')
  const known = Array.from({ length: 100 }, (_, i) => seen.sight({ source: 1, first: 10 * i, count: 5 })).filter(
    (sight) => sight === 'known',
  )
  assert.ok(known.length >= 9 && known.length <= 10, `${known.length} are remembered`)
})

test.run()
