/** A plan holds what was asked for and the documented defaults of the rest; a result's verdicts become an exit status. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { defaultStores, scenarioNamed, targetsNamed } from './catalogue.js'
import { progressLine } from './progress.js'
import { planRun, statusOf } from './run.js'
import { type Given, Settings } from './settings.js'

const given = (text: string, layer: Given['layer']): Given => ({ text, layer, origin: layer })
const none = new Settings([])

test('the defaults', () => {
  const plan = planRun({} as Parameters<typeof planRun>[0], none, '/home')
  assert.equal(
    plan.targets.map(({ name }) => name),
    ['single-thread', 'worker-pool', 'multi-instance'],
  )
  const { targets: _, ...rest } = plan
  assert.equal(rest, {
    scenario: 'steady',
    parameters: {},
    targetsNamed: false,
    stores: defaultStores(false),
    length: { kind: 'records', records: 1_000_000 },
    rate: null,
    rateShare: 0.7,
    repetitions: 1,
    until: null,
    label: null,
    arrivals: 'constant',
    latencyLeg: true,
    analyticsRate: null,
    seed: '1',
    profile: 'web',
    format: 'combined',
    input: null,
    startMs: null,
    recordsPerDay: null,
    partitionKey: 'id',
    partitions: 4,
    durability: 'power',
    maxRejects: null,
    exportRejects: null,
    keep: false,
    dataDirectory: null,
    out: '/home/results/runs',
  })
})

test('the default stores are those that can be started here, Postgres first; one where a folder was named', () => {
  assert.equal(defaultStores(false)[0], { name: 'postgres', url: '' })
  assert.not(defaultStores(false).some(({ name }) => name === 'null'))
  assert.equal(defaultStores(true), [{ name: 'postgres', url: '' }])
})

test('what was asked for; paths from the working directory; a file is replayed whole', () => {
  const values = {
    scenario: scenarioNamed('month-end'),
    target: targetsNamed('single-thread, single-thread'),
    input: 'a.log',
    'export-rejects': 'bad.txt',
    'no-latency-leg': true,
  } as Parameters<typeof planRun>[0]
  const plan = planRun(values, none, '/home')
  assert.is(plan.scenario, 'month-end')
  assert.is(plan.targets.length, 1)
  assert.is(plan.targetsNamed, true)
  assert.is(plan.input, '/home/a.log')
  assert.is(plan.exportRejects, '/home/bad.txt')
  assert.is(plan.length, null)
  assert.is(plan.latencyLeg, false)
})

test('of two lengths the one from the stronger layer counts', () => {
  const values = { n: { kind: 'records', records: 5 }, duration: 3000 } as Parameters<typeof planRun>[0]
  const flag = new Map([['duration', given('3s', 'flag')]])
  const file = new Map([['n', given('5', 'file')]])
  assert.equal(planRun(values, new Settings([flag, file]), '/').length, { kind: 'duration', durationMs: 3000 })
})

test('exit statuses', () => {
  const result = (...verdicts: string[]) =>
    ({ runs: verdicts.map((verdict) => ({ verdict })) }) as unknown as Parameters<typeof statusOf>[0]
  assert.is(statusOf(result('ok', 'overloaded', 'generator-bound'), false), 0)
  assert.is(statusOf(result('ok', 'failed'), false), 1)
  assert.is(statusOf(result('unsound'), false), 1)
  assert.is(statusOf(result('threshold-failed'), false), 1)
  assert.is(statusOf(result('ok', 'interrupted'), false), 130)
  assert.is(statusOf(result('ok'), true), 130)
})

test('progress: share, rate, time left once it can be known', () => {
  assert.is(
    progressLine({ label: 'worker-pool', done: 1, total: 4, recordsPerSecond: 12_345.6 }, 10_000),
    ' 25%  worker-pool  12,350 records/s  30 s left',
  )
  assert.is(progressLine({ label: 'starting', done: 0, total: 0, recordsPerSecond: null }, 10), '  0%  starting')
})

test.run()
