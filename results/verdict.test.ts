/** Verdicts from evidence, one rule at a time. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { sampleAudit } from './sample.js'
import { balances, judge, type RunEvidence } from './verdict.js'

const good: RunEvidence = {
  generatorCpuSeconds: 0.5,
  totalCpuSeconds: 10,
  nullRecordsPerSecond: 1_000_000,
  recordsPerSecond: 200_000,
  audit: sampleAudit(1000),
  interrupted: false,
  overloaded: false,
}
const verdict = (different: Partial<RunEvidence>) => judge({ ...good, ...different }).verdict

test('a clean run well below the generator is ok, without reasons', () => {
  assert.equal(judge(good), { verdict: 'ok', reasons: [] })
})

test('more than a tenth of the CPU makes it generator-bound, a tenth does not', () => {
  assert.is(verdict({ generatorCpuSeconds: 1 }), 'ok')
  assert.is(verdict({ generatorCpuSeconds: 1.01 }), 'generator-bound')
})

test('a null store less than three times as fast makes it generator-bound, three times does not', () => {
  assert.is(verdict({ recordsPerSecond: 1_000_000 / 3 }), 'ok')
  assert.is(verdict({ recordsPerSecond: 333_400 }), 'generator-bound')
  assert.match(judge({ ...good, recordsPerSecond: 500_000 }).reasons[0] ?? '', '2.0 times')
})

test('at a given rate neither says anything, and nothing is missing then', () => {
  assert.is(verdict({ givenRate: true, generatorCpuSeconds: 5, recordsPerSecond: 500_000 }), 'ok')
  assert.equal(judge({ ...good, givenRate: true, generatorCpuSeconds: null, nullRecordsPerSecond: null }).reasons, [])
  assert.is(verdict({ givenRate: true, lag: { offeredMs: 26, storedMs: 100 } }), 'generator-bound')
})

test('what was not measured is said, not guessed', () => {
  const { verdict: unknown, reasons } = judge({ ...good, generatorCpuSeconds: null, nullRecordsPerSecond: null })
  assert.is(unknown, 'ok')
  assert.is(reasons.length, 2)
})

test('each kind of damage is unsound, in either leg, and trumps what a threshold or the generator would say', () => {
  for (const kind of ['lost', 'duplicated', 'corrupted', 'misplaced', 'unexpected'] as const) {
    const damaged = sampleAudit(1000, { [kind]: 2, ...(kind === 'lost' ? { stored: 998 } : {}) })
    assert.is(verdict({ audit: damaged, generatorCpuSeconds: 9, maxRejects: 0, overloaded: true }), 'unsound')
    assert.is(verdict({ latencyAudit: damaged }), 'unsound')
    assert.match(judge({ ...good, audit: damaged }).reasons[0] ?? '', `2 ${kind}`)
  }
})

test('an audit that does not add up proves nothing', () => {
  assert.not(balances(sampleAudit(1000, { stored: 999 })))
  assert.is(verdict({ audit: sampleAudit(1000, { stored: 999 }) }), 'unsound')
  assert.is(verdict({ audit: sampleAudit(1000, { stored: 990, rejected: 5, excluded: 3, refused: 2 }) }), 'ok')
})

test('records that failed fail the run, with the first reason', () => {
  const audit = sampleAudit(1000, { stored: 999, failed: 1 })
  assert.is(verdict({ audit }), 'failed')
  assert.match(judge({ ...good, audit, firstFailure: 'the server went away' }).reasons[0] ?? '', /^1 records .* the server went away$/)
})

test('a run cut short is not unsound for what it had no time to store, but is for what should not be there', () => {
  const lost = sampleAudit(1000, { lost: 5, stored: 995 })
  const twice = sampleAudit(1000, { duplicated: 5 })
  assert.is(verdict({ audit: lost, interrupted: true }), 'interrupted')
  assert.is(verdict({ audit: lost, error: 'the server went away' }), 'failed')
  assert.is(verdict({ audit: twice, interrupted: true }), 'unsound')
  assert.is(verdict({ audit: twice, error: 'the server went away' }), 'unsound')
})

test('stopping makes things fail, so interrupted comes before failed', () => {
  assert.is(verdict({ error: 'aborted', interrupted: true, audit: null }), 'interrupted')
  assert.equal(judge({ ...good, error: 'no space', audit: null }).reasons, ['no space'])
})

test('rejects fail a run only beyond the limit that was set', () => {
  const audit = sampleAudit(1000, { stored: 990, rejected: 10 })
  assert.is(verdict({ audit }), 'ok')
  assert.is(verdict({ audit, maxRejects: null }), 'ok')
  assert.is(verdict({ audit, maxRejects: 10 }), 'ok')
  assert.is(verdict({ audit, maxRejects: 9 }), 'threshold-failed')
  assert.is(verdict({ missedThresholds: ['p99 was 2 s'] }), 'threshold-failed')
})

test('a growing backlog is overload, unless the generator is to blame', () => {
  assert.is(verdict({ overloaded: true }), 'overloaded')
  assert.is(verdict({ overloaded: true, generatorCpuSeconds: 5 }), 'generator-bound')
})

test('a driver that was late itself is part of what was measured, unless that is little beside the latency', () => {
  assert.is(verdict({ lag: { offeredMs: 9.9, storedMs: 12 } }), 'ok')
  assert.is(verdict({ lag: { offeredMs: 24, storedMs: 100 } }), 'ok')
  assert.is(verdict({ lag: { offeredMs: 26, storedMs: 100 } }), 'generator-bound')
  assert.match(judge({ ...good, lag: { offeredMs: 26, storedMs: 100 } }).reasons[0] ?? '', /Weir itself fell behind.*26 ms/)
})

test.run()
