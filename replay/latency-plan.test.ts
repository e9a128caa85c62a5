/** How a latency leg is laid out: its rate, its length, and whole bursts. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { openSource } from '../generators/open.js'
import { profileNamed } from '../generators/profiles.js'
import type { Source } from '../generators/source.js'
import { LayoutError, layOut } from './latency-plan.js'
import type { Plan } from './plan.js'

const stream = openSource({ kind: 'stream', source: 1, profile: 'web', seed: '1', format: 'combined', ...profileNamed('web').defaults })
const log = { ...stream, spec: { kind: 'file', source: 1, path: 'access.log', format: 'combined' } } as unknown as Source

async function laidOut(arrivals: string, records: number, rate: number, source = stream) {
  const plan = { scenario: 'steady', arrivals, rate, rateShare: 0.7, length: null, seed: '1' } as unknown as Plan
  const layout = await layOut({ plan, source, records, reached: 0, runs: 1 })
  assert.ok(layout)
  return layout
}

test('a block is as long as its time or its records last', async () => {
  assert.equal((await laidOut('constant', 10_000_000, 100_000)).blockMs, 2000)
  assert.equal((await laidOut('constant', 100_000, 100_000)).blockMs, 500)
  assert.equal((await laidOut('constant', 100_000, 100_000)).blockRecords, 50_000)
})

test('bursts keep their length and their distance, and a block holds whole ones, however few records were asked for', async () => {
  for (const records of [100_000, 500_000, 1_000_000, 10_000_000]) {
    const { blockMs, blockRecords, rate, arrivals } = await laidOut('burst:4x,500ms,2s', records, 234_000)
    assert.is(Math.round(blockMs), 2000)
    assert.is(blockRecords, 468_000)
    // The burst is the half second in the middle.
    const { dueBy } = arrivals(0)
    const [before, within] = [dueBy(749), dueBy(1249) - dueBy(750)]
    assert.ok(Math.abs(within / 500 / (before / 750) - 4) < 0.05, `${within} in the burst, ${before} before it`)
    assert.ok(Math.abs(dueBy(2000) - 2 * rate) < 3)
  }
  // As many whole ones as the records last: 1.67 of them would have another mean.
  assert.is(Math.round((await laidOut('burst:4x,250ms,1s', 1_000_000, 300_000)).blockMs), 1000)
  assert.is(Math.round((await laidOut('burst:4x,250ms,500ms', 1_000_000, 300_000)).blockMs), 1500)
})

test('a log that is too short for that is refused with what would help', async () => {
  const refused = await laidOut('burst:4x,500ms,2s', 100_000, 234_000, log).catch((error: unknown) => error)
  assert.instance(refused, LayoutError)
  assert.match((refused as Error).message, 'take 936000 records, and there are 100000')
  assert.is((await laidOut('burst:4x,500ms,2s', 1_000_000, 234_000, log)).blockRecords, 468_000)
})

test.run()
