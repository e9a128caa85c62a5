/** Samples become a ledger, or nothing when some of them did not come. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { K6Summary, Sample } from './run-k6.js'
import { SampledLedger } from './sampled-ledger.js'

const sent = (request: number): Sample => ({ metric: 'weir_sent', value: 1, tags: {}, request })
const settled = (request: number, fate: string): Sample => ({ metric: 'weir_requests', value: 1, tags: { fate }, request })
const counted = (on: number, back: number): K6Summary => ({
  metrics: { weir_sent: { values: { count: on } }, weir_requests: { values: { count: back } } },
})

/** Five of six requests on their way, and four of them back. */
function heard(): SampledLedger {
  const ledger = new SampledLedger({ planned: 6, each: 10 })
  const samples = [0, 1, 2, 3].map(sent)
  for (const sample of [...samples, settled(1, 'accepted'), settled(0, 'accepted'), settled(2, 'refused'), settled(4, 'failed'), sent(4)]) {
    ledger.take(sample)
  }
  return ledger
}

test('neighbours are one span, in whichever order their samples came', () => {
  assert.equal(heard().noted(counted(5, 4)), {
    sent: [{ first: 0, count: 50 }],
    accepted: [{ first: 0, count: 20 }],
    refused: [{ first: 20, count: 10 }],
    failed: [{ first: 40, count: 10 }],
  })
})

test('spans end where a request is missing', () => {
  const ledger = new SampledLedger({ planned: 4, each: 1 })
  for (const request of [0, 2, 3]) ledger.take(sent(request))
  assert.equal(ledger.noted(counted(3, 0))?.sent, [
    { first: 0, count: 1 },
    { first: 2, count: 2 },
  ])
})

test('a sample that did not come, or came twice, leaves no ledger', () => {
  assert.is(heard().noted(counted(6, 4)), undefined)
  assert.is(heard().noted(counted(5, 5)), undefined)
  assert.is(heard().noted(undefined), undefined)
  const twice = heard()
  twice.take(settled(1, 'refused'))
  assert.is(twice.noted(counted(5, 5)), undefined)
})

test.run()
