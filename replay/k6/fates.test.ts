/** What k6's ledger says becomes what an audit allows. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { k6Fates } from './fates.js'

test('what was sent and not answered is in doubt, what was not sent must not be there', () => {
  const { sent, unsent, accepted } = k6Fates(
    1,
    {
      sent: [
        { first: 0, count: 30 },
        { first: 40, count: 20 },
      ],
      accepted: [
        { first: 0, count: 10 },
        { first: 50, count: 10 },
      ],
      refused: [{ first: 10, count: 10 }],
      failed: [{ first: 40, count: 10 }],
    },
    100,
  )
  assert.equal(sent.offered, { from: 0, to: 60 })
  assert.equal(sent.refused, [
    { from: 10, to: 20 },
    { from: 30, to: 40 },
  ])
  assert.equal(sent.failed, [
    { from: 20, to: 30 },
    { from: 40, to: 50 },
  ])
  assert.equal(unsent, [
    { from: 30, to: 40 },
    { from: 60, to: 100 },
  ])
  assert.is(accepted, 20)
})

test('without a ledger all is in doubt, and nothing was sent when it says so', () => {
  assert.equal(k6Fates(1, undefined, 10).sent.failed, [{ from: 0, to: 10 }])
  const nothing = k6Fates(1, {}, 10)
  assert.equal(nothing.sent.offered, { from: 0, to: 0 })
  assert.equal(nothing.unsent, [{ from: 0, to: 10 }])
})

test.run()
