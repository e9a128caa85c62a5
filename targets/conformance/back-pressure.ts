/** While the store takes nothing, offer() stops resolving after a bounded number of records; once it does again, all drain. */
import * as assert from 'uvu/assert'
import { type Check, noHold } from './check.js'
import { heldAtMost, Setting, smallOptions } from './setting.js'
import { until } from './until.js'

/** So many polls in a row without another record taken count as standing still. */
const quietPolls = 10

export const backPressure: Check = {
  name: 'back-pressure',
  empty: noHold,
  async run(module, ground) {
    const setting = await Setting.open({ module, ground })
    const release = await ground.outside?.lockRows(setting.address)
    try {
      const limit = heldAtMost(smallOptions(module))
      let stop = false
      let failure: unknown
      const offering = (async () => {
        while (!stop && setting.ledger.offered <= limit) await setting.target.offer(await setting.next())
      })().catch((error: unknown) => {
        failure = error
      })
      let seen = -1
      let quiet = 0
      await until('offer() waits', async () => {
        assert.is(failure, undefined)
        assert.ok(
          setting.ledger.offered <= limit,
          `${setting.ledger.offered} records were taken in, more than the ${limit} that may be held`,
        )
        quiet = setting.ledger.offered === seen ? quiet + 1 : 0
        seen = setting.ledger.offered
        return quiet >= quietPolls && ((await ground.outside?.blocked()) ?? 0) > 0
      })
      stop = true
      await release?.()
      await offering
      await setting.target.drain(new AbortController().signal)
      setting.assertWhole()
      assert.is(setting.ledger.tally.stored, setting.ledger.offered)
      await setting.assertAudited()
    } finally {
      await release?.()
      await setting.close()
    }
    return undefined
  },
}
