/** Cuts of the rank statistics against the printed tables of critical values. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { rankSumCut, signedRankCut } from './ranks.js'

test('signed ranks: the two-sided 5% table', () => {
  const table = { 5: -1, 6: 0, 7: 2, 8: 3, 9: 5, 10: 8, 12: 13, 15: 25, 20: 52, 25: 89, 30: 137 }
  for (const [n, critical] of Object.entries(table)) assert.is(signedRankCut(Number(n), 0.95), critical, n)
  assert.is(signedRankCut(10, 0.99), 3)
})

test('rank sums: the two-sided 5% table', () => {
  const table = [
    [3, 4, -1],
    [4, 4, 0],
    [3, 5, 0],
    [5, 5, 2],
    [6, 6, 5],
    [8, 8, 13],
    [10, 10, 23],
    [7, 12, 18],
    [20, 20, 127],
  ] as const
  for (const [m, n, critical] of table) {
    assert.is(rankSumCut(m, n, 0.95), critical, `${m}, ${n}`)
    assert.is(rankSumCut(n, m, 0.95), critical)
  }
})

test('beyond counting, the normal distribution takes over without a step', () => {
  // 70 is counted, 71 is approximated: the cut grows by about as much as from 69 to 70.
  const [a, b, c] = [69, 70, 71].map((n) => signedRankCut(n, 0.95)) as [number, number, number]
  assert.ok(Math.abs(c - b - (b - a)) <= 3, `${a} ${b} ${c}`)
  const [d, e, f] = [49, 50, 51].map((n) => rankSumCut(n, n, 0.95)) as [number, number, number]
  assert.ok(Math.abs(f - e - (e - d)) <= 3, `${d} ${e} ${f}`)
})

test.run()
