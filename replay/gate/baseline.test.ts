/** Gates against a stored result: which baselines are refused, what is a finding here, and that repetitions are one decision. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { defaultRule } from '../../results/gate.js'
import { renderGate } from '../../results/gate-report.js'
import type { Audit, Result, Run } from '../../results/result.js'
import { sampleAudit, sampleResult, sampleRun } from '../../results/sample.js'
import { planAgain, reportOnBaseline } from './baseline.js'
import { GateRefusedError } from './side-process.js'

const around = (speed: number) =>
  [0.985, 0.995, 1.005, 1.015].map((times, index) => ({
    index,
    records: 1000,
    elapsedMs: 1000,
    recordsPerSecond: speed * times,
  }))

const configuration = { input: null, targets: [{ name: 'worker-pool' }], stores: [{ name: 'postgres', url: '' }] }

const run = (speed: number, different: Partial<Run> = {}): Run =>
  sampleRun('worker-pool', [speed], { blocks: around(speed), records: 1000, audit: sampleAudit(1000), ...different })

/** A result on a machine with these yardsticks beside it. */
function resultOf(runs: readonly Run[], audit: Audit = sampleAudit(20_000)): Result {
  const sample = sampleResult(runs, { configuration })
  return {
    ...sample,
    calibration: { nullRecordsPerSecond: 1_500_000, blocks: around(1_500_000) },
    baseline: { ...sample.baseline, measured: 3000, blocks: around(3000), audit },
  }
}

const asked = { stores: null, out: '/tmp' }
const judged = (stored: Result, here: Result) => reportOnBaseline(stored, here, { ...defaultRule, strict: false, seconds: 60 })
const lost = sampleAudit(1000, { stored: 999, lost: 1 })

test('a sound baseline is run again', () => {
  assert.equal(planAgain(resultOf([run(300_000)]), asked).targets.length, 1)
})

test('a baseline that cannot be believed is refused, and says why', () => {
  const leg = run(300_000).latencyLeg
  if (leg === undefined) throw new Error('the sample has a latency leg')
  for (const [result, said] of [
    [resultOf([run(300_000, { verdict: 'unsound', reasons: ['the audit found 1 lost'], audit: lost })]), 'the audit found 1 lost'],
    [resultOf([run(300_000, { latencyLeg: { ...leg, audit: lost } })]), 'worker-pool on postgres: the audit found 1 lost'],
    [resultOf([run(300_000, { verdict: 'unsound', reasons: ['the audit does not add up'] })]), 'is unsound: the audit does not add up'],
    [resultOf([run(300_000)], lost), 'the row-at-a-time baseline: the audit found 1 lost'],
  ] as const) {
    const refusal = caught(() => planAgain(result, asked))
    assert.instance(refusal, GateRefusedError)
    assert.match(String(refusal), said)
  }
})

test('a baseline that was interrupted is refused before anything is measured', () => {
  assert.match(String(caught(() => planAgain(resultOf([run(300_000, { verdict: 'interrupted' })]), asked))), 'no run that came to its end')
})

test('a baseline on the null store alone is refused: it is the yardstick', () => {
  const nothing = run(300_000, { store: 'null', audit: null })
  assert.match(String(caught(() => planAgain(resultOf([nothing]), asked))), 'on the null store alone')
  const stores = [{ name: 'null', url: '' }] as const
  assert.match(String(caught(() => planAgain(resultOf([run(300_000)]), { ...asked, stores }))), 'on the null store alone')
  const { rows, notes } = judged(resultOf([run(300_000), nothing]), resultOf([run(300_000), nothing]))
  assert.equal(
    rows.map(({ subject }) => subject),
    ['worker-pool on postgres', 'worker-pool on postgres'],
  )
  assert.match(notes.join('\n'), 'not decided on: what ran on the null store')
})

test('what is unsound here is a finding, the row-at-a-time baseline included', () => {
  const stored = resultOf([run(300_000)])
  const sums = run(300_000, { verdict: 'unsound', reasons: ['the audit does not add up'] })
  const unsound = judged(stored, resultOf([sums]))
  assert.equal([unsound.status, unsound.findings], [1, ['worker-pool on postgres is unsound: the audit does not add up']])
  const damaged = judged(stored, resultOf([run(300_000)], lost))
  assert.equal([damaged.status, damaged.findings], [1, ['the row-at-a-time baseline: the audit found 1 lost']])
})

test('repetitions are one decision, not one each', () => {
  const repeated = (...speeds: readonly number[]) => resultOf(speeds.map((speed, i) => run(speed, { repetition: i + 1 })))
  const stored = repeated(300_000, 290_000, 310_000)
  // By itself against the stored first one, the second would be slower.
  assert.is(judged(repeated(300_000), repeated(250_000)).status, 3)
  const { status, rows } = judged(stored, repeated(295_000, 250_000, 310_000))
  assert.equal([status, rows.length], [0, 2])
  assert.is(judged(stored, repeated(230_000, 220_000, 240_000)).status, 3)
})

test('one yardstick alone decides nothing, and the report says so', () => {
  const without = (result: Result): Result => ({ ...result, baseline: { ...result.baseline, measured: null, blocks: undefined } })
  const report = judged(without(resultOf([run(300_000)])), without(resultOf([run(200_000)])))
  assert.equal([report.status, report.rows.length], [0, 1])
  assert.match(renderGate(report, { tty: false, columns: 140 }), 'cannot tell, the null calibration is the only yardstick')
})

test('what yardsticks cannot show is said every time', () => {
  assert.match(judged(resultOf([run(300_000)]), resultOf([run(300_000)])).notes.join('\n'), 'a slower kernel slows the null store too')
})

function caught(act: () => unknown): unknown {
  try {
    return act()
  } catch (error) {
    return error
  }
}

test.run()
