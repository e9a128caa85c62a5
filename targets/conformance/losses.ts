/** Parts that are killed, connections that are cut and a server that dies: the run ends, and nothing acknowledged is missing. */
import * as assert from 'uvu/assert'
import { StalledError } from '../../replay/driver.js'
import { type Check, noHold, unaudited } from './check.js'
import { Ground } from './ground.js'
import { Setting } from './setting.js'
import { alive, Outcome, until } from './until.js'

const records = 20_000
/** Without a settlement, milliseconds: longer than a writer waits for its server to come back. */
const patienceMs: Readonly<Record<string, number>> = { postgres: 3000, clickhouse: 6000 }

/** Kills one part while the store makes it wait, or, where nothing can be locked, after the first settlement. */
export const killed: Check = {
  name: 'a part killed',
  async run(module, ground) {
    let killing: Promise<void> | undefined
    const kill = async () => {
      const part = setting.target.parts().find((each) => each.kill !== undefined)
      assert.ok(part !== undefined, 'a part that can be killed is there while it works')
      await part?.kill?.()
    }
    const setting = await Setting.open({
      module,
      ground,
      onSettled: () => {
        if (!ground.keeps) killing ??= kill()
      },
    })
    let release: (() => Promise<void>) | undefined
    try {
      if (setting.target.parts().every((part) => part.kill === undefined))
        return { empty: 'the target has no part that can be killed without Weir itself' }
      release = await ground.outside?.lockRows(setting.address)
      const run = new Outcome(setting.replay({ records }))
      if (ground.keeps) {
        await until('the store makes it wait', async () => run.settled || ((await ground.outside?.blocked()) ?? 0) > 0)
        await kill()
        await release?.()
      }
      await run.end('the run ends')
      await killing
      assert.is(run.error, undefined, String(run.error))
      setting.assertWhole()
      assert.is(setting.ledger.offered, records)
      const { stored, failed } = setting.ledger.tally
      assert.is(stored + failed, records)
      assert.ok(stored >= records / 2, `only ${stored} of ${records} records were stored although one of several parts was killed`)
      await setting.assertAudited()
    } finally {
      await release?.()
      await setting.close()
    }
    return unaudited(ground)
  },
}

/** All its connections are cut after the first settlement. */
export const cut: Check = {
  name: 'connections cut',
  empty: noHold,
  async run(module, ground) {
    let cutting: Promise<void> | undefined
    const cutAll = async () => {
      const now = (await ground.outside?.connections()) ?? []
      await ground.outside?.cut(now.filter((pid) => !setting.connectionsBefore.includes(pid)))
    }
    const setting = await Setting.open({
      module,
      ground,
      onSettled: ({ fate }) => {
        if (fate === 'stored') cutting ??= cutAll()
      },
    })
    try {
      await setting.replay({ records: 60_000, durationMs: 1500 })
      // Enough to see it work again, from where the first block stopped.
      const again = setting.ledger.offered
      assert.ok(cutting !== undefined, 'nothing was stored before the connections were to be cut')
      await cutting
      for (let i = 0; i < 4; i++) await setting.target.offer(await setting.next())
      await setting.target.drain(new AbortController().signal)
      setting.assertWhole()
      const recovered = setting.settlements.some(({ first, count, fate }) => fate === 'stored' && first + count > again)
      assert.ok(
        recovered,
        `nothing was stored after the connections were cut: ${setting.target.trouble?.() ?? setting.ledger.firstFailure}`,
      )
      await setting.assertAudited()
    } finally {
      await setting.close()
    }
    return undefined
  },
}

/** The server is stopped for good after the first settlement. */
export const died: Check = {
  name: 'the store dies',
  empty: (module, ground) => noHold(module, ground) ?? (ground.server.embedded ? undefined : 'a server that was given is not ours to stop'),
  async run(module, ground) {
    const own = await Ground.start({ name: 'a server of its own', store: ground.spec })
    const [server] = await own.server.processes()
    let stopped = false
    const setting = await Setting.open({
      module,
      ground: own,
      onSettled: ({ fate }) => {
        if (fate !== 'stored' || stopped || server === undefined) return
        stopped = true
        process.kill(server, 'SIGQUIT')
      },
    })
    try {
      const pids = setting.target.parts().flatMap(({ kind, pid }) => (kind === 'process' ? [pid] : []))
      const run = await new Outcome(setting.replay({ records: 10_000_000 }, patienceMs[own.server.store])).end('the run ends by itself')
      assert.ok(stopped, 'nothing was stored before the server was to be stopped')
      assert.instance(run.error, StalledError)
      const text = (run.error as Error).message
      assert.match(text, /Postgres at|ClickHouse at|connect|connection|terminat|spool/i, `the error names the trouble: ${text}`)
      await new Outcome(setting.target.close()).end('close() returns')
      await until('its processes are gone', () => !pids.some(alive))
    } finally {
      await setting.leave()
      await own.close()
    }
    return undefined
  },
}
