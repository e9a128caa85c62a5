/** Deferred work is told apart from the rest of a block by samples at both ends of a stretch. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { DeferredWatch } from './deferred.js'

/** A clock, a count of stored records, and a store whose merges run when told to. */
function setting() {
  const state = { now: 0, stored: 0, settled: true }
  const clock = { now: () => state.now, until: async () => undefined, idle: () => 0 }
  const watch = new DeferredWatch(
    async () => ({ settled: state.settled, figures: { merges: 3 } }),
    () => state.stored,
    clock,
  )
  const at = async (now: number, stored: number, settled: boolean) => {
    Object.assign(state, { now, stored, settled })
    await watch.sample()
  }
  return { watch, at, state }
}

test('stretches with and without deferred work have paces of their own; mixed ones are left out', async () => {
  const { watch, at } = setting()
  await at(0, 0, true)
  await at(500, 1000, true)
  await at(1000, 1500, false)
  await at(1500, 1750, false)
  await at(2000, 2000, false)
  watch.settled(250)
  assert.equal(await watch.report(1750), {
    settleMs: 250,
    recordsPerSecondSettled: 1000,
    whileRunning: { seconds: 1, recordsPerSecond: 500 },
    otherwise: { seconds: 0.5, recordsPerSecond: 2000 },
    figures: { merges: 3 },
  })
})

test('a block is asked about when it begins and when it ends, however short it is', async () => {
  const { watch, state } = setting()
  Object.assign(state, { settled: false })
  watch.begin()
  await new Promise((done) => setImmediate(done))
  Object.assign(state, { now: 50, stored: 100 })
  await watch.end()
  assert.equal((await watch.report(50))?.whileRunning, { seconds: 0.05, recordsPerSecond: 2000 })
})

test('a run without blocks has no report', async () => {
  assert.is(await setting().watch.report(0), undefined)
})

test.run()
