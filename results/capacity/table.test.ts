/** What a reader is told of a search: the capacity, how it compares, why it is not more, and how the search ended. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { sampleAudit, sampleResult } from '../sample.js'
import type { Capacity, CapacityResult, Probe } from './report.js'
import { renderCapacities } from './table.js'

const probe: Probe = {
  rate: 200_000,
  outcome: 'sustained',
  sustained: 0.93,
  broke: [],
  evidence: ["the backlog's slope was 0.2% of the rate [-1.0%, 1.4%]"],
  seconds: 3,
  warmUpSeconds: 1,
  lengthened: false,
  cutShort: false,
  backlogSlope: { share: 0.002, interval: { low: -0.01, high: 0.014, confidence: 0.95 } },
  late: { share: 0, records: 600_000, effectiveRecords: 600_000 },
  latency: { p50: 90, p90: 140, p99: 210, p999: 240, max: 260 },
  generatorLagP99Ms: 2,
  generatorBusyShare: 0.03,
  coresBusyShare: 0.6,
  drainMs: 80,
  group: 0,
  recordsBefore: 0,
}
const refused: Probe = { ...probe, rate: 260_000, outcome: 'not sustained', sustained: 0.01, broke: ['backlog', 'latency'], cutShort: true }

const found: Capacity = {
  target: 'worker-pool',
  store: 'postgres',
  scenario: 'steady',
  durability: 'power',
  image: 'rows',
  options: { workers: 2 },
  verdict: 'ok',
  reasons: [],
  limit: { p99Ms: 500 },
  precision: 0.05,
  end: 'precise',
  recordsPerSecond: 220_000,
  interval: { low: 210_000, high: 231_000, confidence: 0.95 },
  softness: 0.03,
  timesPublished: 220_000 / 622,
  timesMeasured: 220_000 / 3120,
  fullSpeed: { recordsPerSecond: 300_000, seconds: 1.5 },
  broke: [{ condition: 'backlog', probes: 1 }],
  bound: { by: 'machine', evidence: ['all cores together were 97% busy'], figures: {} },
  latencies: [
    {
      share: 0.5,
      rate: 110_000,
      count: 660_000,
      seconds: 6,
      p50: 60,
      p90: 80,
      p99: 99,
      p999: 120,
      max: 130,
      intervals: { p50: { low: 57, high: 63, confidence: 0.95 }, p90: null, p99: null, p999: null },
      outcome: 'sustained',
    },
  ],
  probes: [probe, refused],
  groups: [{ for: 'search', probes: 2, records: 1_500_000, audit: sampleAudit(1_500_000) }],
  audit: sampleAudit(1_500_000),
  findings: [],
  workloadHash: 'a'.repeat(64),
  environmentHash: 'b'.repeat(64),
  subjectHash: 'c'.repeat(64),
}

function told(different: Partial<Capacity>, options: { readonly verbose?: boolean; readonly columns?: number } = {}): string {
  const { weir, createdAt, machine, published, baseline, calibration } = sampleResult([])
  const capacities = [{ ...found, ...different }]
  const common = { weir, createdAt, configuration: {}, machine, published, baseline, calibration }
  const document: CapacityResult = { schema: 1, kind: 'capacity', ...common, capacities }
  return renderCapacities(document, { tty: false, columns: 200, file: 'results/runs/x.json', ...options })
}

test('the capacity with its interval, both ratios, both baselines, and why it is not more', () => {
  const text = told({})
  assert.match(text, /worker-pool +postgres +220,000 \+-5% +354 +70\.5 +300,000 +power +clean +ok +machine/)
  assert.match(text, /row-at-a-time +postgres +- +5\.02 +1\.00 +3,120 \+-4% +power +clean +baseline/)
  assert.match(text, 'sustains 220,000 records/s, 95% interval 210,000 to 231,000 (p99 within 500 ms, backlog not growing).')
  assert.match(text, 'Not more, because above that the backlog grew (1 of 1 probes).')
  assert.match(text, 'Bound by the machine: all cores together were 97% busy.')
  assert.match(text, '2 probes; the border is soft by +-3.0% from probe to probe.')
  assert.match(text, /50% of 220,000 +110,000 +60 \+-5% +80 +99 +120 +sustained/)
  assert.match(text, 'Result: results/runs/x.json')
  assert.not.match(text, '93% for sustained')
  assert.match(
    told({}, { verbose: true }),
    /2 +260,000 +3\.0 +not sustained +210 +0\.2% +0% +1\.0% for sustained, the backlog grew, p99 was beyond the limit, cut short/,
  )
})

test('a narrow display gets short heads and fewer columns, and both ratios', () => {
  const text = told({}, { columns: 80 })
  assert.match(text, 'x publ. 622')
  assert.match(text, 'x base')
  for (const line of text.split('\n')) assert.ok(line.length <= 80, line)
})

test('where nothing limited the target the figure is a lower end', () => {
  const text = told({ end: 'generator', verdict: 'generator-bound', reasons: ['Weir itself fell behind'], interval: null, softness: null })
  assert.match(text, />= 220,000 /)
  assert.match(text, 'sustained 220,000 records/s and was not brought to its limit')
  assert.match(text, 'generator-bound: Weir itself fell behind')
})

test('nothing sustained, nothing clear, nothing probed', () => {
  const nothing = { recordsPerSecond: null, interval: null, softness: null, timesPublished: null, timesMeasured: null }
  assert.match(told({ ...nothing, end: 'never', probes: [refused] }), 'not even 260,000 records/s was sustained')
  assert.match(
    told({ ...nothing, end: 'budget', probes: [{ ...probe, outcome: 'unclear' }] }),
    'no probe was clear enough to call a rate sustained',
  )
  assert.match(told({ ...nothing, end: 'interrupted', probes: [] }), 'interrupted before a rate was sustained')
})

test('what an audit found is named with its position', () => {
  const text = told({
    verdict: 'unsound',
    reasons: ['the audit found 3 lost'],
    audit: sampleAudit(1000, { lost: 3, stored: 997 }),
    findings: [{ kind: 'lost', source: 1, position: 4711 }],
  })
  assert.match(text, /3 lost +unsound/)
  assert.match(text, 'unsound: the audit found 3 lost')
  assert.match(text, 'lost: record 4711 of source 1')
})

test.run()
