/** What a gate says of a measurement: the word follows the pairs, and what the sides' audits say is a finding. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { profileNamed } from '../../generators/profiles.js'
import { defaultRule } from '../../results/gate.js'
import { gateJunit } from '../../results/gate-report.js'
import type { Audit } from '../../results/result.js'
import { sampleAudit } from '../../results/sample.js'
import type { SideAudit, SideFacts } from './protocol.js'
import { cannotTell, reportOf } from './report.js'
import type { GateMeasurement, GatePlan, MeasuredBlock, MeasuredCopy } from './session.js'

const plan: GatePlan = {
  builds: { base: { name: 'base (main)', main: 'base/main.js' }, candidate: { name: 'candidate', main: 'main.js' } },
  target: 'single-thread',
  metric: 'throughput',
  options: {},
  store: { name: 'postgres', url: '' },
  durability: 'power',
  source: { kind: 'stream', source: 1, profile: 'web', seed: '1', format: 'combined', ...profileNamed('web').defaults },
  layout: { partitionKey: 'id', partitions: 4 },
  budgetMs: 60_000,
  rounds: 3,
  copies: 2,
  pairs: null,
  blockMs: 250,
}

const facts: SideFacts = {
  protocol: 1,
  weir: { version: '0.1.0', build: 'a'.repeat(64) },
  options: {},
  image: 'rows',
  durability: 'power',
  workload: 'b'.repeat(64),
  unit: 1000,
}

const block = (different: Partial<MeasuredBlock> = {}): MeasuredBlock => ({
  records: 1000,
  elapsedMs: 10,
  cpuSeconds: 0.01,
  p99: null,
  failed: 0,
  recordsPerSecond: 100_000,
  ...different,
})

const audited = (different: Partial<Audit> = {}, offered = 20_000): SideAudit => ({
  audit: sampleAudit(offered, different),
  findings: [],
  ledger: { settledTwice: 0, neverOffered: 0 },
})

const pairs = Array.from({ length: 10 }, () => ({ first: 'base' as const, base: block(), candidate: block() }))

/** A copy of quiet pairs, both sides alike. */
const copyOf = (different: Partial<MeasuredCopy> = {}): MeasuredCopy => ({
  pairs,
  audits: { base: audited(), candidate: audited() },
  ...different,
})

const measured = (copies: readonly MeasuredCopy[], different: Partial<GateMeasurement> = {}): GateMeasurement => ({
  facts: { base: facts, candidate: facts },
  store: 'postgres',
  durability: 'power',
  blockRecords: 1000,
  copies,
  rounds: 1,
  troubles: [],
  elapsedMs: 60_000,
  pairsMs: 30_000,
  orderSeed: 1,
  interrupted: false,
  ...different,
})

const judged = (copies: readonly MeasuredCopy[], different: Partial<GatePlan> = {}, more: Partial<GateMeasurement> = {}) =>
  reportOf({ ...plan, ...different }, measured(copies, more), { rule: defaultRule, strict: false })

test('two sides alike pass', () => {
  const { status, findings, notes } = judged([copyOf(), copyOf()])
  assert.equal([status, findings], [0, []])
  assert.match(notes.join('\n'), 'audited, record by record, and the same became of the records on both')
})

for (const [fate, said] of [
  ['rejected', 'copy 2: of the same 20,000 records candidate has 600 rejected and base (main) 0'],
  ['excluded', 'copy 2: of the same 20,000 records candidate has 600 excluded and base (main) 0'],
  ['refused', 'copy 2: of the same 20,000 records candidate has 600 refused and base (main) 0'],
] as const) {
  test(`records that are ${fate} on one side alone are a finding, however clean the audits are`, () => {
    const copies = [copyOf(), copyOf({ audits: { base: audited(), candidate: audited({ stored: 19_400, [fate]: 600 }) } })]
    const { status, findings, notes } = judged(copies)
    assert.equal([status, findings], [1, [said]])
    assert.not.match(notes.join('\n'), 'the same became')
    assert.not(cannotTell(plan, copies, defaultRule))
  })
}

test('sides that were not offered as many cannot be compared, which is a finding', () => {
  const { status, findings } = judged([copyOf({ audits: { base: audited(), candidate: audited({}, 19_000) } })])
  assert.is(status, 1)
  assert.match(
    findings.join(),
    /^copy 1: 19,000 records were offered to candidate and 20,000 to base \(main\): what became of them cannot be compared$/,
  )
})

test('a side that settled records twice, or some that it was never offered, cannot be believed', () => {
  for (const audit of [audited().audit, null]) {
    const twice = { audit, findings: [], ledger: { settledTwice: 7, neverOffered: 2 } }
    const { status, findings } = judged([copyOf({ audits: { base: audited(), candidate: twice } })])
    assert.equal([status, findings.length], [1, 1])
    assert.match(findings[0] ?? '', 'candidate, copy 1: it settled 7 records twice and 2 that were never offered')
  }
})

test('a build that does not know the question is told of, and is no finding', () => {
  const { audit, findings } = audited()
  const report = judged([copyOf({ audits: { base: { audit, findings }, candidate: audited() } })])
  assert.equal([report.status, report.findings], [0, []])
  assert.match(report.notes.join('\n'), 'base (main) is too old to say whether it settled records twice')
})

test('a block without the metric leaves nothing decided, and that does not pass', () => {
  const spoilt = copyOf({ pairs: [...pairs, { first: 'base', base: block(), candidate: block({ cpuSeconds: -0.2 }) }] })
  const report = judged([spoilt, copyOf()], { metric: 'cpu' })
  assert.equal([report.status, report.rows], [1, []])
  assert.equal(report.findings, ['nothing could be decided: 1 of 21 blocks of candidate had no cpu above zero'])
  assert.match(gateJunit(report), /errors="1"/)
  const idle = copyOf({ pairs: [...pairs, { first: 'base', base: block({ cpuSeconds: 0 }), candidate: block() }] })
  assert.match(judged([idle], { metric: 'cpu' }).findings.join(), /1 of 11 blocks of base \(main\) had no cpu above zero/)
  assert.match(judged([]).findings.join(), 'no pair of blocks was measured')
  assert.is(judged([spoilt], { metric: 'cpu' }, { interrupted: true }).status, 130)
})

test.run()
