/** Scenarios place a stream in time as they say. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { profileNamed } from '../generators/profiles.js'
import type { StreamSpec } from '../generators/source.js'
import { streamSource } from '../generators/stream.js'
import { scenarioNamed, scenarios } from './index.js'
import { dayMs, ScenarioError, type Timing } from './scenario.js'

const web: StreamSpec = { kind: 'stream', source: 1, profile: 'web', seed: '1', format: 'combined', ...profileNamed('web').defaults }

const unasked = { startMs: null, recordsPerDay: null }

test('names are unique and steady is the default', () => {
  assert.is(new Set(scenarios.map(({ name }) => name)).size, scenarios.length)
  assert.is(scenarios[0]?.name, 'steady')
  assert.throws(() => scenarioNamed('nothing'), /no scenario is called "nothing"/)
})

test('a start is a whole second, and what was asked for is kept', () => {
  for (const scenario of scenarios) {
    assert.is(scenario.timing(unasked, 999_983).startMs % 1000, 0)
    assert.equal(scenario.timing({ startMs: 5000, recordsPerDay: 7 }, 10), { startMs: 5000, recordsPerDay: 7 })
  }
})

test('month-end: half of the records lie before the end of the month, whatever the length', () => {
  for (const records of [2, 1000, 1_000_000, 4_000_000_000]) {
    const { startMs, recordsPerDay } = scenarioNamed('month-end').timing(unasked, records)
    const middleMs = startMs + (records / 2 / recordsPerDay) * dayMs
    const endMs = Date.UTC(2026, 2, 1)
    assert.ok(Math.abs(middleMs - endMs) <= 1000, `${records}: ${new Date(middleMs).toISOString()}`)
    assert.ok(new Date(startMs).getUTCMonth() !== new Date(startMs + (records / recordsPerDay) * dayMs - 1).getUTCMonth())
  }
})

test('month-end: a given number of records a day moves the start, not the end', () => {
  const { startMs } = scenarioNamed('month-end').timing({ startMs: null, recordsPerDay: 1_000_000 }, 10_000)
  assert.is(startMs, Date.UTC(2026, 2, 1) - 432_000)
})

const monthsOf = ({ startMs, recordsPerDay }: Timing, records: number) =>
  streamSource({ ...web, startMs, recordsPerDay }).months(0, records) ?? []

test('retention: four months whatever the length, from whatever start', () => {
  const { timing, parameters } = scenarioNamed('retention')
  assert.equal(parameters, { keepMonths: 2 })
  for (const records of [1000, 20_000, 1_000_000, 4_000_000_000]) {
    assert.equal(monthsOf(timing(unasked, records), records), ['2026-01', '2026-02', '2026-03', '2026-04'])
    const middle = timing({ startMs: Date.UTC(2027, 10, 17, 5), recordsPerDay: null }, records)
    assert.equal(monthsOf(middle, records), ['2027-11', '2027-12', '2028-01', '2028-02'])
  }
})

test('late-data: a day at the beginning of a month, with the share that was asked for', async () => {
  const { timing, parameters = {}, shape } = scenarioNamed('late-data')
  assert.equal(timing(unasked, 5000), { startMs: Date.UTC(2026, 2, 1), recordsPerDay: 5000 })
  const layout = { partitionKey: 'id', partitions: 4 } as const
  assert.equal((await shape?.(web, { ...layout, parameters }))?.late, { share: 0.02 })
  assert.equal((await shape?.(web, { ...layout, parameters: { lateShare: 0.3 } }))?.late, { share: 0.3 })
})

test('hot-shard: by address unless told otherwise, never by identity, and the value gets less than its partition', async () => {
  const { partitionKey, refusal, shape, parameters = {} } = scenarioNamed('hot-shard')
  assert.is(partitionKey, 'address')
  assert.match(refusal?.('id') ?? '', 'use --partition-key address, user or path')
  for (const key of ['address', 'user', 'path'] as const) {
    assert.is(refusal?.(key), undefined)
    const hot = (await shape?.(web, { parameters, partitionKey: key, partitions: 4 }))?.hot
    assert.is(hot?.key, key)
    assert.ok(hot !== undefined && hot.share > 0.2 && hot.share <= 0.5, `${key}: ${hot?.share}`)
  }
  let told: unknown
  await Promise.resolve(shape?.(web, { parameters: { hotShare: 0.01 }, partitionKey: 'path', partitions: 4 })).catch((error: unknown) => {
    told = error
  })
  assert.instance(told, ScenarioError)
})

test('scenarios that know no parameter leave the stream as it is', () => {
  for (const { parameters, shape } of scenarios) assert.ok(parameters !== undefined || shape === undefined)
})

test.run()
