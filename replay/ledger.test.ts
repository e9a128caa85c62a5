/** The ledger adds up: every record offered has one fate or none, however often a target speaks of it. */
import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { finalFates, Ledger } from './ledger.js'

const source = 3

test('offered is what is settled and what is outstanding', () => {
  const settlement = fc.record({
    source: fc.constant(source),
    first: fc.integer({ min: 95, max: 220 }),
    count: fc.integer({ min: 1, max: 30 }),
    fate: fc.constantFrom(...finalFates, 'accepted' as const, 'durable' as const),
  })
  fc.assert(
    fc.property(fc.array(settlement), (settlements) => {
      const ledger = new Ledger(source, 100)
      ledger.offer(100)
      for (const each of settlements) ledger.settle(each)
      const settled = finalFates.reduce((sum, fate) => sum + ledger.tally[fate], 0)
      assert.is(settled + ledger.outstanding, ledger.offered)
    }),
  )
})

test('a record settled twice keeps its first fate and is noticed', () => {
  const ledger = new Ledger(source, 0)
  ledger.offer(10)
  ledger.settle({ source, first: 0, count: 10, fate: 'stored' })
  ledger.settle({ source, first: 4, count: 2, fate: 'failed', reason: 'too late' })
  assert.is(ledger.tally.stored, 10)
  assert.is(ledger.tally.failed, 0)
  assert.is(ledger.settledTwice, 2)
  assert.is(ledger.outstanding, 0)
})

test('what was never offered is not counted as settled', () => {
  const ledger = new Ledger(source, 0)
  ledger.offer(5)
  ledger.settle({ source, first: 3, count: 10, fate: 'stored' })
  ledger.settle({ source: 9, first: 0, count: 5, fate: 'stored' })
  assert.is(ledger.tally.stored, 2)
  assert.is(ledger.neverOffered, 8 + 5)
})

test('accepted and durable end nothing', () => {
  const ledger = new Ledger(source, 0)
  ledger.offer(5)
  assert.is(ledger.settle({ source, first: 0, count: 5, fate: 'accepted' }), false)
  assert.is(ledger.outstanding, 5)
})

test('the fates that no store can show are kept as ranges', () => {
  const ledger = new Ledger(source, 0)
  ledger.offer(10)
  ledger.settle({ source, first: 2, count: 3, fate: 'refused' })
  ledger.settle({ source, first: 5, count: 1, fate: 'refused' })
  ledger.settle({ source, first: 8, count: 2, fate: 'failed', reason: 'connection lost' })
  const { refused, failed, offered } = ledger.fates()
  assert.equal(refused, [{ from: 2, to: 6 }])
  assert.equal(failed, [{ from: 8, to: 10 }])
  assert.equal(offered, { from: 0, to: 10 })
  assert.is(ledger.firstFailure, 'connection lost')
})

test.run()
