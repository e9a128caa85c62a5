/** Watching a store holds up no block, whatever becomes of it. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { WaitReport, WaitWatch } from '../stores/store.js'
import { StoreWaits } from './store-waits.js'

const report: WaitReport = {
  events: { CPU: 1 },
  kinds: { client: 0, cpu: 1, disk: 0, lock: 0, other: 0 },
  looks: 12,
  connections: 1,
  figures: {},
  unknown: [],
}

/** A watch that notes what it is asked. */
function watched(different: Partial<WaitWatch> = {}) {
  const calls: string[] = []
  const note = (name: string) => async () => void calls.push(name)
  const watch = { begin: note('begin'), end: note('end'), report: () => report, close: note('close'), ...different }
  return { calls, waits: new StoreWaits(watch, 5) }
}

test('a block is begun and ended, and an end without a beginning is none', async () => {
  const { calls, waits } = watched()
  await waits.end(1)
  await waits.begin()
  await waits.end(1)
  await waits.end(1)
  await waits.close()
  assert.equal(calls, ['begin', 'end', 'close'])
  assert.is(waits.report(), report)
})

test('what goes wrong is said in the report, and the next block is watched again', async () => {
  const { calls, waits } = watched({ begin: () => Promise.reject(new Error('it went away')) })
  await waits.begin()
  await waits.end(1)
  assert.equal(calls, ['end'])
  assert.equal(waits.report()?.unknown, ['it went away'])
})

test('one that does not answer is left alone until the end', async () => {
  const { calls, waits } = watched({ begin: () => new Promise(() => undefined) })
  await waits.begin()
  await waits.end(1)
  await waits.begin()
  assert.equal(calls, [])
  await waits.close()
  assert.equal(calls, ['close'])
  assert.match(waits.report()?.unknown[0] ?? '', 'too long')
})

test.run()
