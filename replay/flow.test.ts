/** Flows beside drops and otherwise, by hand. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { flowBeside, flowOf, sumOf } from './flow.js'

/** A hundred records every 100 ms, but for a pause from 500 to 900. */
const stored = [100, 200, 300, 400, 500, 900, 1000, 1100].map((atMs) => ({ atMs, records: 100 }))

test('beside a drop: from its beginning to the first records after its end', () => {
  const flow = flowBeside({ fromMs: 450, toMs: 850 }, stored)
  assert.equal(flow, { seconds: 0.45, recordsPerSecond: 200 / 0.45, longestGapMs: 400 })
})

test('a drop that ends after the last records ends with them; one that begins after them disturbs nobody', () => {
  assert.is(flowBeside({ fromMs: 1000, toMs: 5000 }, stored)?.seconds, 0.1)
  assert.is(flowBeside({ fromMs: 1100, toMs: 5000 }, stored), undefined)
  assert.is(flowBeside({ fromMs: 0, toMs: 1 }, []), undefined)
})

test('otherwise: what is outside of all windows, ramp-up left out', () => {
  assert.equal(flowOf([{ fromMs: 450, toMs: 850 }], stored), { seconds: 0.55, recordsPerSecond: 500_000 / 550, longestGapMs: 100 })
  // Drops that overlap are one.
  const twice = [
    { fromMs: 450, toMs: 850 },
    { fromMs: 500, toMs: 880 },
  ]
  assert.equal(flowOf(twice, stored), flowOf([{ fromMs: 450, toMs: 850 }], stored))
  assert.equal(flowOf([], stored), { seconds: 1, recordsPerSecond: 700, longestGapMs: 400 })
  assert.is(flowOf([{ fromMs: 0, toMs: 2000 }], stored), undefined)
  assert.is(flowOf([], []), undefined)
  // Two batches, whatever lies between them, are no flow.
  assert.is(flowOf([], stored.slice(0, 3)), undefined)
})

test('several in a row: rates are weighted, the longest gap is the longest', () => {
  const sum = sumOf([
    { seconds: 1, recordsPerSecond: 100, longestGapMs: 5 },
    { seconds: 3, recordsPerSecond: 200, longestGapMs: 2 },
  ])
  assert.equal(sum, { seconds: 4, recordsPerSecond: 175, longestGapMs: 5 })
  assert.is(sumOf([]), null)
})

test.run()
