/** Ratios to a machine's own yardsticks: a slower machine is no slower build, and one yardstick alone decides nothing. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { defaultRule } from './gate.js'
import { decideByRatio } from './gate-baseline.js'
import type { Run, ThroughputBlock } from './result.js'
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
  return { runs: [run], result }
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

test('one yardstick alone decides nothing, whatever it says', () => {
  for (const speed of [100_000, 300_000, 900_000]) {
    const { runs, result } = placed(speed, 1_500_000, 3000)
    const bare = { runs, result: { ...result, calibration: { nullRecordsPerSecond: null } } }
    const { rows, word } = decideByRatio(stored, bare, defaultRule)
    assert.equal([rows.map(({ yardstick }) => yardstick), word], [['measured baseline'], 'cannot tell'])
    const barer = { runs, result: { ...bare.result, baseline: { ...result.baseline, blocks: undefined } } }
    assert.equal(decideByRatio(stored, barer, defaultRule), { rows: [], word: 'cannot tell' })
  }
})

test('the blocks of all repetitions count together: what one alone shows, and two others do not, is no regression', () => {
  const repeated = (speeds: readonly number[]) => {
    const { result } = placed(300_000, 1_500_000, 3000)
    return { runs: speeds.map((speed) => placed(speed, 1_500_000, 3000).runs[0] as Run), result }
  }
  const base = repeated([300_000, 290_000, 310_000])
  const here = repeated([290_000, 250_000, 310_000])
  const { word, rows } = decideByRatio(base, here, defaultRule)
  assert.ok(word !== 'slower')
  assert.ok(Math.abs((rows[0]?.ratio ?? 0) - ((290 * 250 * 310) / (300 * 290 * 310)) ** (1 / 3)) < 1e-3)
  const alone = (of: typeof base, i: number) => ({ ...of, runs: of.runs.slice(i, i + 1) })
  assert.is(decideByRatio(alone(base, 0), alone(here, 1), defaultRule).word, 'slower')
})

test.run()
