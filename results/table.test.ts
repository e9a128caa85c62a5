/** The table: what it shows, what it says under it, and that it fits. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { published } from './published.js'
import type { Run } from './result.js'
import { sampleAudit, sampleLatency, sampleResult, sampleRun } from './sample.js'
import { renderTable } from './table.js'

const three = [
  sampleRun('single-thread', [201_234, 195_000, 203_333, 199_999]),
  sampleRun('worker-pool', [318_204, 310_000, 325_555, 316_000]),
  sampleRun('multi-instance', [280_000, 240_000, 290_000, 275_000]),
]
const plain = (runs: readonly Run[], columns = 120) => renderTable(sampleResult(runs), { tty: false, columns, file: 'results/runs/x.json' })
const row = (text: string, target: string) => text.split('\n').find((line) => line.startsWith(`${target} `)) ?? ''

const flat = (text: string) => text.replaceAll(/\s+/g, ' ')

test('an ordinary table fits 120 columns with every column and every spread', () => {
  const text = plain(three)
  assert.ok(text.split('\n').every((line) => line.length <= 120))
  for (const head of [
    'target',
    'records/s',
    'x publ.',
    'x base',
    'p50 ms',
    'p99 ms',
    'rate/s',
    'durability',
    'audit',
    'verdict',
    'bound',
  ]) {
    assert.match(text, head)
  }
  assert.match(row(text, 'worker-pool'), /317,400 \+-3% +510 +102 +12\.3 \+-6% +51\.8 \+-6% +222,200 +power +clean +ok +machine/)
})

test('a wider terminal gets the store and longer heads', () => {
  const text = plain(three, 160)
  assert.match(row(text, 'worker-pool'), 'postgres')
  assert.match(text, 'x published')
})

test('the measured baseline stands apart, above the runs', () => {
  const lines = plain(three).split('\n')
  const at = lines.findIndex((line) => line.startsWith('row-at-a-time'))
  assert.match(lines[at] ?? '', /3,120 \+-4% +5\.02 +1\.00/)
  assert.match(lines[at - 1] ?? '', /^-+$/)
  assert.match(lines[at + 1] ?? '', /^-+$/)
  assert.match(plain(three), 'on 20,000 records of the same stream')
  const without = renderTable(sampleResult(three, { baseline: { published: 622, measured: null, sample: 0 } }), { tty: false })
  assert.is(row(without, 'row-at-a-time'), '')
})

test('under it: who won, the rate of the latency leg, shared cores, and the file', () => {
  const text = plain(three)
  assert.match(text, 'worker-pool won: 1.17 times as fast as multi-instance')
  assert.match(text, 'at 70% of its full speed')
  assert.match(text, "shared this machine's 2 cores")
  assert.match(text, 'Result: results/runs/x.json')
})

test('a line for each run says why it was bound, and what a record cost', () => {
  const { cpu } = sampleRun('any', [1])
  const told = sampleRun('queue', [10_000, 11_000], {
    bound: { by: 'disk', evidence: ["the store's connections waited for the disk 62% of the time", 'and more'], figures: {} },
    ...(cpu === undefined ? {} : { cpu: { ...cpu, recordsPerSecondPerCore: 81_234 } }),
    disk: { weirBytes: 0, target: {}, storeBytes: 1, storeBytesPerRecord: 520.4, device: null, ioStalledShare: null },
  })
  assert.match(
    plain([told], 200),
    "queue: bound by the disk (the store's connections waited for the disk 62% of the time); 81,230 records/s per core used; 520 bytes to disk for each",
  )
  const silent = sampleRun('queue', [9, 9], { bound: undefined })
  assert.not.match(plain([silent]), 'queue: bound')
})

test('without a terminal there is nothing but ASCII; on one, colours and signs', () => {
  assert.match(plain(three), /^[\n\x20-\x7e]*$/)
  const shown = renderTable(sampleResult(three), { tty: true })
  assert.match(shown, '\u001b[32mok')
  assert.match(shown, '±3%')
  const escapes = new RegExp(`${String.fromCharCode(27)}\\[\\d+m`, 'g')
  assert.ok(shown.split('\n').every((line) => line.replace(escapes, '').length <= 120))
})

test('the null store has no audit and a run without a latency leg no latency', () => {
  const run = sampleRun('single-thread', [1e6, 1e6], {
    store: 'null',
    durability: 'none',
    audit: null,
    latency: null,
    latencyLeg: undefined,
  })
  const text = plain([run])
  assert.match(row(text, 'single-thread'), /- +- +- +none +- +ok/)
  assert.not.match(text, 'Latency runs')
  assert.match(text, 'single-thread was not ranked: nothing was audited')
})

test('a run that failed shows dashes and says why and what to do', () => {
  const failed = sampleRun('receiver', [1], {
    verdict: 'failed',
    throughput: { recordsPerSecond: 0, bytesPerSecond: 0, timesPublished: 0, timesMeasured: 0 },
    latency: null,
    audit: null,
    error: { message: 'no space left\non device', remedy: 'free some space' },
  })
  const text = plain([...three, failed])
  assert.match(row(text, 'receiver'), /receiver +(postgres +)?- +- +- +- +- +- +power +- +failed/)
  assert.match(text, 'receiver: failed: no space left on device; free some space')
})

test('damage is named with its position', () => {
  const unsound = sampleRun('queue', [10, 11], {
    verdict: 'unsound',
    reasons: ['the audit found 3 lost'],
    audit: sampleAudit(5000, { stored: 4997, lost: 3, duplicated: 1200 }),
    findings: [{ kind: 'lost', source: 0, position: 4711 }],
  })
  const text = plain([...three, unsound])
  assert.match(row(text, 'queue'), '3 lost')
  assert.match(text, '1,200 duplicated')
  assert.match(text, 'lost: record 4711 of source 0')
})

test('interrupted, generator-bound, rejected lines: each gets its line', () => {
  const text = plain([
    ...three,
    sampleRun('a', [5], { verdict: 'interrupted', audit: null, latency: null }),
    sampleRun('b', [9, 9], { verdict: 'generator-bound', reasons: ['the generator used 14% of the CPU'] }),
    sampleRun('c', [9, 9], { audit: sampleAudit(10_000, { stored: 9999, rejected: 1 }) }),
  ])
  assert.match(text, '\na: interrupted')
  assert.match(text, '\nb: generator-bound: the generator used 14% of the CPU')
  assert.match(text, '\nc: 1 line did not parse, kept with the reason (of 10,000 offered)')
})

test('a leg whose latency never became level says so', () => {
  const latency = sampleLatency(1000, 5)
  const told = (settledAfterMs: number | null) =>
    plain([sampleRun('worker-pool', [9000, 9100], { latency: { ...latency, settledAfterMs } })]).includes('measure longer')
  assert.ok(told(null))
  assert.not(told(5000))
})

test('a p99 without an interval says how many batches it takes', () => {
  const latency = sampleLatency(1000, 5)
  const told = (p99: { low: number; high: number; confidence: number } | null) =>
    flat(
      plain([
        sampleRun('worker-pool', [9000, 9100], { latency: { ...latency, intervals: { p50: { low: 4, high: 6, confidence: 0.95 }, p99 } } }),
      ]),
    )
  assert.match(told(null), 'a p99 has one from 368 batches on')
  assert.not.match(told({ low: 20, high: 22, confidence: 0.95 }), '368')
})

test('no runs at all still make a table', () => {
  assert.match(plain([]), 'Nothing was ranked.')
})

test('the published figures hold together', () => {
  assert.is(Math.round(published.linesPerFile / published.secondsPerFile), published.recordsPerSecond)
  const { bytesPerDay, bytesPerRecord, wholeRecordsPerSecond } = published.terabyteADay
  assert.is(Math.floor(bytesPerDay / bytesPerRecord / 86_400), wholeRecordsPerSecond)
  assert.is(Math.round(published.pageHits.hitsPerDay / 86_400), published.pageHits.recordsPerSecond)
  assert.is(Math.round(published.pageHitsGrown.hitsPerDay / 86_400), published.pageHitsGrown.recordsPerSecond)
})

test('k6 says what each of its numbers runs from and to', () => {
  const run = sampleRun('receiver', [1000, 1000])
  const times = { p50: 2, p90: 3, p99: 4, p999: 5, max: 6 }
  const service = { ...times, count: 10, negative: 0, bucketMs: 1000, series: [], histogram: '' }
  const requests = { planned: 12, accepted: 10, refused: 0, failed: 0, unsent: 2, linesEach: 5, unsentRecords: [{ from: 50, to: 60 }] }
  const figures = { rate: 5, asked: 9, answered: 9, failed: 0, unsent: 0, latency: times, service: times, byQuery: {}, errors: {} }
  const k6 = { version: 'v1.8.1', status: 0, thresholds: [] }
  const lines = flat(plain([{ ...run, k6: { ...k6, requests, service } }]))
  assert.match(lines, 'k6 v1.8.1: 10 of 12 requests accepted;')
  assert.match(lines, 'sent to accepted (service time) p50 2.0, p99 4.0 ms')
  const replies = plain([{ ...run, image: 'replies', k6: { ...k6, requests: null, service: null, questions: figures } }])
  assert.match(flat(replies), '9 of 9 questions answered; due to answered p50 2.0, p99 4.0 ms;')
  assert.match(flat(replies), 'Latency runs from due to answered')
  assert.match(row(replies, 'receiver'), /1,000 \S* +- /)
})

test('months that were dropped, and a skew worth a word, are told under the table', () => {
  const drop = { kind: 'drop-month', block: 0, atMs: 1, bytes: 1, meanwhile: null } as const
  const quantiles = { p50: 1, p90: 2, p99: 3, p999: 4, max: 5 }
  const run = sampleRun('single-thread', [1000, 1000], {
    events: [
      { ...drop, leg: 'throughput', month: '2026-01', tookMs: 12, rows: 1000 },
      { ...drop, leg: 'throughput', month: '2026-02', tookMs: 45.6, rows: 500 },
      { ...drop, leg: 'latency', month: '2026-01', tookMs: 7, rows: 1000 },
    ],
    disturbance: {
      throughput: {
        meanwhile: { seconds: 1, recordsPerSecond: 900, longestGapMs: 30 },
        otherwise: { seconds: 9, recordsPerSecond: 1000, longestGapMs: 20 },
        latency: null,
      },
      latency: { meanwhile: null, otherwise: null, latency: { meanwhile: { ...quantiles, p99: 40 }, otherwise: quantiles } },
    },
    hashShares: { key: 'address', shares: [0.1, 0.7, 0.1, 0.1] },
    partitions: [
      { name: 'p0', rows: 700, bytes: 1 },
      { name: 'p1', rows: 300, bytes: 1 },
    ],
    partitionSkew: 1.6,
  })
  const text = renderTable(sampleResult([run]), { tty: false, columns: 1000 })
  assert.match(
    text,
    'single-thread: throughput leg: 2026-01, 2026-02 dropped (1,500 rows) in at most 45.6 ms each, 900 records/s meanwhile, otherwise 1,000; ' +
      'longest pause 30 ms, otherwise 20 ms; latency leg: 2026-01 dropped (1,000 rows) in 7.0 ms, p99 meanwhile 40 ms, otherwise 3.0 ms',
  )
  assert.match(
    text,
    'single-thread: one of 4 hash partitions takes 70.0% of the records, by address; the fullest of 2 partitions, p0, has 700 rows, 1.60 times the mean',
  )
  assert.not.match(renderTable(sampleResult([sampleRun('single-thread', [1000])]), { tty: false }), /dropped|fullest/)
})

test.run()
