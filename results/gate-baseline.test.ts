/** Ratios to a machine's own yardsticks: a slower machine is no slower build, and one yardstick alone decides nothing. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { defaultRule } from './gate.js'
import { decideByRatio } from './gate-baseline.js'
import type { ThroughputBlock } from './result.js'
import { sampleResult, sampleRun } from './sample.js'

const around = (speed: number, noise = 0.01): readonly ThroughputBlock[] =>
  [-1.5, -0.5, 0.5, 1.5].map((step, index) => ({
    index,
    records: 1000,
    elapsedMs: 1000,
    recordsPerSecond: speed * (1 + step * noise),
  }))

/** A session's run of this speed on a machine with these yardsticks. */
function placed(speed: number, nothing: number, row: number, noise?: number) {
  const run = sampleRun('worker-pool', [speed], { blocks: around(speed, noise) })
  const sample = sampleResult([run])
  const result = {
    ...sample,
    calibration: { nullRecordsPerSecond: nothing, blocks: around(nothing, noise) },
    baseline: { ...sample.baseline, measured: row, blocks: around(row, noise) },
  }
  return { run, result }
}

const stored = placed(300_000, 1_500_000, 3000)

test('a machine of half the speed shows no regression', () => {
  const { word, rows } = decideByRatio(stored, placed(150_000, 750_000, 1500), defaultRule)
  assert.is(word, 'no regression shown')
  assert.is(rows.length, 2)
  for (const { ratio } of rows) assert.ok(Math.abs(ratio - 1) < 1e-9)
})

test('a fifth less by both yardsticks is a regression', () => {
  const { word, rows } = decideByRatio(stored, placed(120_000, 750_000, 1500), defaultRule)
  assert.is(word, 'slower')
  assert.ok(Math.abs((rows[0]?.ratio ?? 0) - 0.8) < 1e-9)
})

test('a fifth less by one of them cannot be told', () => {
  assert.is(decideByRatio(stored, placed(240_000, 1_500_000, 2400), defaultRule).word, 'cannot tell')
})

test('noise widens the interval until nothing can be told', () => {
  assert.is(decideByRatio(stored, placed(240_000, 1_500_000, 3000, 0.2), defaultRule).word, 'cannot tell')
})

test('without blocks of a yardstick that one is left out; without any nothing can be told', () => {
  const { run, result } = placed(300_000, 1_500_000, 3000)
  const bare = { run, result: { ...result, calibration: { nullRecordsPerSecond: null } } }
  assert.equal(
    decideByRatio(stored, bare, defaultRule).rows.map(({ yardstick }) => yardstick),
    ['measured baseline'],
  )
  const barer = { run, result: { ...bare.result, baseline: { ...result.baseline, blocks: undefined } } }
  assert.is(decideByRatio(stored, barer, defaultRule).word, 'cannot tell')
})

test.run()
