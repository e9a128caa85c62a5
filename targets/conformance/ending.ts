/** drain() waits for the last word on everything, and no longer than its signal; close() ends everything, whatever is under way. */
import * as assert from 'uvu/assert'
import { type Check, noHold } from './check.js'
import { Setting } from './setting.js'
import { alive, Outcome, until } from './until.js'

export const drained: Check = {
  name: 'drain',
  async run(module, ground) {
    const setting = await Setting.open({ module, ground })
    try {
      for (let i = 0; i < 5; i++) await setting.target.offer(await setting.next())
      await setting.target.drain(new AbortController().signal)
      setting.assertWhole()
      assert.is(setting.ledger.tally.stored, setting.ledger.offered)
      // Once more, with nothing to wait for.
      await setting.target.drain(new AbortController().signal)
      await setting.assertAudited()
    } finally {
      await setting.close()
    }
    return undefined
  },
}

export const aborted: Check = {
  name: 'drain aborted',
  empty: noHold,
  async run(module, ground) {
    const setting = await Setting.open({ module, ground })
    const release = await ground.outside?.lockRows(setting.address)
    try {
      const offering = new Outcome(setting.target.offer(await setting.next()))
      const abort = new AbortController()
      const draining = new Outcome(setting.target.drain(abort.signal))
      await until('the store makes it wait', async () => ((await ground.outside?.blocked()) ?? 0) > 0)
      assert.is(draining.settled, false, 'drain() resolved although nothing was settled')
      assert.ok(setting.ledger.outstanding > 0)
      const reason = new Error('enough')
      abort.abort(reason)
      // The lock is still held: only the signal can have ended it.
      await draining.end('drain() heeds its signal')
      assert.is(draining.error, reason)
      await release?.()
      await offering.end('offer() resolves')
      await setting.target.drain(new AbortController().signal)
      setting.assertWhole()
      await setting.assertAudited()
    } finally {
      await release?.()
      await setting.close()
    }
    return undefined
  },
}

export const closed: Check = {
  name: 'close',
  async run(module, ground) {
    const setting = await Setting.open({ module, ground })
    const release = await ground.outside?.lockRows(setting.address)
    try {
      const { target } = setting
      const pids = target.parts().flatMap(({ kind, pid }) => (kind === 'process' ? [pid] : []))
      const offers: Outcome<void>[] = []
      const blocked = async () => ((await ground.outside?.blocked()) ?? 0) > 0
      for (let i = 0; i < 3 && offers.every(({ settled }) => settled); i++) {
        const offer = new Outcome(target.offer(await setting.next()))
        offers.push(offer)
        await until('a chunk is taken, or waits for the store', async () => offer.settled || (await blocked()))
      }
      if (ground.keeps) await until('the store makes it wait', blocked)
      await new Outcome(target.close()).end('close() returns')
      for (const offer of offers) await offer.end('offers under way end with close()')
      await until('its processes are gone', () => !pids.some(alive))
      assert.equal(
        target.parts().filter(({ kind }) => kind === 'process'),
        [],
      )
      await target.close()
      // A late chunk is refused or settled, and keeps nobody waiting.
      const late = await setting.next()
      const offer = await new Outcome(target.offer(late)).end('an offer after close() ends')
      if (offer.error === undefined) {
        await until('a late chunk is settled', () =>
          setting.settlements.some(({ first, count, fate }) => first + count > late.first && fate !== 'accepted' && fate !== 'durable'),
        )
      }
      await release?.()
      await setting.store.close()
      await ground.outside?.onlyConnections(setting.connectionsBefore)
      setting.ledger.abandon()
      await setting.assertAudited()
    } finally {
      await release?.()
      await setting.close()
    }
    return undefined
  },
}
