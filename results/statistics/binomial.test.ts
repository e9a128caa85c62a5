/** Bounds of counted shares, against published and closed-form values. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { binomialBounds } from './binomial.js'

const near = (value: number, wanted: number) => assert.ok(Math.abs(value - wanted) < 5e-5, `${value}, not ${wanted}`)

test('none of n: the rule of three, exactly 1 - (alpha/2)^(1/n)', () => {
  const { low, high } = binomialBounds(0, 100)
  assert.is(low, 0)
  near(high, 1 - 0.025 ** (1 / 100))
})

test('all of n is its mirror', () => {
  near(binomialBounds(100, 100).low, 0.025 ** (1 / 100))
  assert.is(binomialBounds(100, 100).high, 1)
})

test('known values in between', () => {
  const { low, high } = binomialBounds(95, 100)
  near(low, 0.88717)
  near(high, 0.98357)
})

test('what cannot have been counted is refused', () => {
  assert.throws(() => binomialBounds(3, 2), RangeError)
  assert.throws(() => binomialBounds(0, 0), RangeError)
})

test.run()
