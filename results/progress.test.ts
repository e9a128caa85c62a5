/** Progress lines and when they are due; numbers as people read them. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { duration, milliseconds, rate, spread, times } from './format.js'
import { isDue, progressLine, rewrite } from './progress.js'

const half = { label: 'worker-pool, full speed', done: 500_000, total: 1_000_000, rate: 318_204, secondsLeft: 75.4 }

test('a plain line ends with a newline', () => {
  const line = progressLine(half, { tty: false, columns: 20 })
  assert.is(line, 'worker-pool, full speed   50%  500,000 of 1,000,000 records  318,200/s  1 min 15 s left\n')
})

test("a terminal's line rewrites itself and never wraps", () => {
  const line = progressLine(half, { tty: true, columns: 40 })
  assert.ok(line.startsWith(rewrite))
  assert.is(line.slice(rewrite.length).length, 39)
  assert.not.match(line, '\n')
})

test('what is not known is left out', () => {
  const line = progressLine(
    { label: 'audit', done: 7, total: null, rate: null, secondsLeft: null, unit: 'rows' },
    { tty: false, columns: 80 },
  )
  assert.is(line, 'audit  7 rows\n')
  assert.not.match(progressLine({ ...half, secondsLeft: Number.POSITIVE_INFINITY }, { tty: false, columns: 80 }), 'left')
})

test('a new label is due at once, the same one after a while', () => {
  assert.ok(isDue(undefined, 'a', 0, false))
  const last = { atMs: 1000, label: 'a' }
  assert.ok(isDue(last, 'b', 1001, false))
  assert.not(isDue(last, 'a', 10_999, false))
  assert.ok(isDue(last, 'a', 11_000, false))
  assert.not(isDue(last, 'a', 1099, true))
  assert.ok(isDue(last, 'a', 1100, true))
})

test('numbers carry the digits that mean something', () => {
  assert.is(rate(318_204), '318,200')
  assert.is(rate(622), '622')
  assert.equal([0.5, 1, 9.999, 31.24, 511.6].map(times), ['0.50', '1.00', '10', '31.2', '512'])
  assert.equal([0.123, 1.26, 12.34, 118.4, 12_345].map(milliseconds), ['0.12', '1.3', '12.3', '118', '12,300'])
  assert.equal([5, 75, 3600, 7290].map(duration), ['5 s', '1 min 15 s', '1 h 0 min', '2 h 1 min'])
  assert.is(spread(100, { low: 97, high: 102, confidence: 0.95 }), '3%')
  assert.is(spread(100, { low: 99.5, high: 100.4, confidence: 0.95 }), '0.5%')
  assert.is(spread(100, null), '')
})

test.run()
