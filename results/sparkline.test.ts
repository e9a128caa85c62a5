/** Sparklines: from low to high, condensed to fit, in ASCII where signs may not be shown. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { sparkline } from './sparkline.js'

test('from the smallest to the largest', () => {
  assert.is(sparkline([1, 2, 3, 4, 5, 6, 7, 8], { tty: true }), '▁▂▃▄▅▆▇█')
  assert.is(sparkline([1, 8, 1], { tty: false }), '_@_')
})

test('equal values are in the middle, and nothing is nothing', () => {
  assert.is(sparkline([5, 5], { tty: false }), '==')
  assert.is(sparkline([], { tty: true }), '')
})

test('many values are means of neighbours', () => {
  const values = Array.from({ length: 1000 }, (_, i) => (i < 500 ? 1 : 9))
  assert.is(sparkline(values, { tty: false, width: 8 }), '____@@@@')
})

test.run()
