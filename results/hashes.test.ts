/** Hashes: equal for equal data however it was put together, different for anything that matters. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { canonicalJson, environmentHash, hashOf, subjectHash, type Workload, workloadHash } from './hashes.js'
import { sampleResult } from './sample.js'

const stream = { kind: 'stream', profile: 'web', seed: '1', format: 'combined', startMs: 0, recordsPerDay: 1e6 } as const
const workload: Workload = { scenario: 'steady', source: stream, records: 1000, arrivals: 'constant', latencyRate: { share: 0.7 } }

test('canonical JSON sorts keys at every depth and leaves undefined out', () => {
  assert.is(canonicalJson({ b: [1, { d: null, c: 'x' }], a: true, e: undefined }), '{"a":true,"b":[1,{"c":"x","d":null}]}')
  assert.throws(() => canonicalJson({ a: Number.NaN }), TypeError)
  assert.throws(() => canonicalJson(10n), TypeError)
})

test('sha-256 of the canonical text', () => {
  assert.is(hashOf({}), '44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a')
})

test('a workload is the same whatever the order of its parts and whatever else is attached', () => {
  const { kind, ...rest } = stream
  const again = {
    latencyRate: { share: 0.7 },
    arrivals: 'constant',
    records: 1000,
    source: { ...rest, source: 3, kind },
    scenario: 'steady',
  }
  assert.is(workloadHash(again), workloadHash(workload))
})

test('any difference in what is asked changes the workload', () => {
  const others: Workload[] = [
    { ...workload, scenario: 'burst' },
    { ...workload, records: 1001 },
    { ...workload, arrivals: 'poisson' },
    { ...workload, latencyRate: null },
    { ...workload, latencyRate: { recordsPerSecond: 0.7 } },
    { ...workload, source: { ...stream, seed: '2' } },
    { ...workload, source: { ...stream, profile: 'api' } },
    { ...workload, source: { ...stream, recordsPerDay: 2e6 } },
    { ...workload, parameters: { keepMonths: 2 } },
    { ...workload, source: { ...stream, late: { share: 0.02 } } },
    { ...workload, source: { ...stream, hot: { key: 'path', share: 0.5 } } },
    { ...workload, source: { ...stream, hot: { key: 'user', share: 0.5 } } },
    { ...workload, source: { kind: 'file', format: 'combined', sha256: 'a'.repeat(64) } },
  ]
  assert.is(new Set([workload, ...others].map(workloadHash)).size, others.length + 1)
})

test('a file is its content, not its place', () => {
  const file = { kind: 'file', format: 'combined', sha256: 'a'.repeat(64) } as const
  const elsewhere = { ...file, path: '/home/someone/access.log' }
  assert.is(workloadHash({ ...workload, source: file }), workloadHash({ ...workload, source: elsewhere }))
})

test('environment and subject change with what they stand for', () => {
  const { machine } = sampleResult([])
  const environment = { machine, store: 'postgres', storeVersion: '18.4', durability: 'power' } as const
  assert.is.not(environmentHash(environment), environmentHash({ ...environment, durability: 'process' }))
  assert.is.not(environmentHash(environment), environmentHash({ ...environment, machine: { ...machine, cores: 4 } }))
  const subject = {
    target: 'worker-pool',
    options: { workers: 2 },
    image: 'rows',
    layout: { partitionKey: 'id', partitions: 4 },
    build: 'x',
  }
  assert.is.not(subjectHash(subject), subjectHash({ ...subject, options: { workers: 3 } }))
  assert.is.not(subjectHash(subject), subjectHash({ ...subject, build: 'y' }))
  assert.match(subjectHash(subject), /^[0-9a-f]{64}$/)
})

test.run()
