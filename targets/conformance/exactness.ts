/** Every record of a stream that crosses a month's end is settled once and lies in the store once, at full speed and at a rate. */
import * as assert from 'uvu/assert'
import { constant } from '../../replay/arrivals/constant.js'
import { type Check, unaudited } from './check.js'
import { acrossMonths, Setting } from './setting.js'

/** The month that the stream begins in is prepared; the next one has to be made by whoever meets it first. */
const months = ['2026-01']

export const fullSpeed: Check = {
  name: 'full speed',
  async run(module, ground) {
    const setting = await Setting.open({ module, ground, source: acrossMonths, months })
    try {
      // A slow target is given less: what it takes in two seconds, the month's end included.
      await setting.replay({ records: 60_000, durationMs: 2000 })
      assert.ok(setting.ledger.offered > 20, 'the stream did not come to the end of its month')
      setting.assertWhole()
      assert.is(setting.ledger.tally.stored, setting.ledger.offered)
      const audit = await setting.assertAudited()
      if (audit !== undefined) assert.is(audit.stored, setting.ledger.offered)
    } finally {
      await setting.close()
    }
    return unaudited(ground)
  },
}

export const atRate: Check = {
  name: 'at a rate',
  async run(module, ground) {
    const setting = await Setting.open({ module, ground, source: acrossMonths, months })
    try {
      await setting.replay({ records: 400, arrivals: constant(1000) })
      setting.assertWhole()
      assert.is(setting.ledger.tally.stored, 400)
      const audit = await setting.assertAudited()
      if (audit !== undefined) assert.is(audit.stored, 400)
    } finally {
      await setting.close()
    }
    return unaudited(ground)
  },
}
