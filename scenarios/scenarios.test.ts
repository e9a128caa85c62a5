/** Scenarios place a stream in time as they say. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { scenarioNamed, scenarios } from './index.js'
import { dayMs } from './scenario.js'

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

test.run()
