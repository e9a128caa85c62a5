/** Receivers and processors that die cost nothing that was durable; what was only in memory is missed; answers of HTTP become fates. */
import { readdirSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { StalledError } from '../../replay/driver.js'
import { Ground } from '../conformance/ground.js'
import { PostgresOutside } from '../conformance/postgres-outside.js'
import { chunkRecords, Setting } from '../conformance/setting.js'
import { Outcome, until } from '../conformance/until.js'
import type { OptionSet, Part } from '../target.js'
import { receiver } from './receiver.js'
import { RefusedDeliveryError, Sender } from './sender.js'

const never = new AbortController().signal
let shared: Ground | undefined
test.before(async () => {
  shared = await Ground.start({ name: 'postgres', store: 'postgres' })
})
test.after(async () => {
  await shared?.close()
})

function ground(): Ground & { readonly outside: PostgresOutside } {
  if (!(shared?.outside instanceof PostgresOutside)) throw new Error('the embedded server did not start')
  return shared as Ground & { readonly outside: PostgresOutside }
}

async function with_(options: OptionSet, work: (setting: Setting) => Promise<void>): Promise<void> {
  const setting = await Setting.open({ module: receiver, ground: ground(), options })
  try {
    await work(setting)
  } finally {
    await setting.close()
  }
}

function partOf({ target }: Setting, kind: 'processor' | 'instance'): Part {
  const part = target.parts().find(({ name }) => name.startsWith(kind))
  if (part === undefined) throw new Error(`no ${kind} among ${target.parts().map(({ name }) => name)}`)
  return part
}

const accepted = ({ settlements }: Setting) =>
  settlements.filter(({ fate }) => fate === 'accepted').reduce((sum, { count }) => sum + count, 0)

/** While it waits for rows that are locked; its transaction may still be carried out after its death. */
async function killProcessor(objectRecords: number): Promise<void> {
  const records = 8000
  await with_({ processors: 1, objectRecords }, async (setting) => {
    const release = await ground().outside.lockRows(setting.address)
    try {
      const run = new Outcome(setting.replay({ records }))
      await until('it waits for the rows', async () => (await ground().outside.blocked()) >= 1)
      const { pid, kill } = partOf(setting, 'processor')
      await kill?.()
      await until('another one is in its place', () =>
        setting.target.parts().some(({ name, pid: now }) => name.startsWith('processor') && now !== pid),
      )
      await release()
      await run.end('the run ends')
      assert.is(run.error, undefined, String(run.error))
    } finally {
      await release()
    }
    setting.assertWhole()
    assert.is(setting.ledger.tally.failed, 0, 'a killed processor costs nothing')
    const report = await setting.assertAudited()
    assert.is((report?.stored ?? 0) + (report?.rejected ?? 0), records)
  })
}

test('a processor killed in the middle of an object: another takes it over', () => killProcessor(4000))

test('a processor killed after it sent the commit, which the server carries out later: the store is asked', () => killProcessor(500))

for (const ack of ['append', 'object'] as const) {
  test(`a receiver killed after it acknowledged, --ack ${ack}: nothing is lost`, async () => {
    await with_({ receivers: 2, ack, objectRecords: 2000, objectLingerMs: 50 }, async (setting) => {
      const run = new Outcome(setting.replay({ records: 20_000 }))
      await until('something was acknowledged', () => accepted(setting) > 0)
      await partOf(setting, 'instance').kill?.()
      await run.end('the run ends')
      assert.is(run.error, undefined, String(run.error))
      setting.assertWhole()
      assert.is(setting.ledger.tally.failed, 0)
      await setting.assertAudited()
    })
  })
}

test('a receiver killed after it acknowledged, --ack receipt: what was in memory is missed, and named', async () => {
  await with_({ receivers: 1, ack: 'receipt', objectRecords: 100_000, objectLingerMs: 600_000 }, async (setting) => {
    const records = 2 * chunkRecords
    const run = new Outcome(setting.replay({ records }, 1500))
    await until('all was acknowledged', () => accepted(setting) === records)
    assert.not(setting.settlements.some(({ fate }) => fate === 'durable'))
    await partOf(setting, 'instance').kill?.()
    await run.end('the run ends by itself')
    assert.instance(run.error, StalledError)
    assert.is(setting.ledger.outstanding, records)
    const missed = await setting.assertAudited().catch((error: unknown) => error)
    assert.instance(missed, Error)
    assert.match((missed as Error).message, 'lost')
  })
})

test('objects are removed once they are rows, and the folder when the target closes', async () => {
  await with_({ objectLingerMs: 20 }, async (setting) => {
    for (let i = 0; i < 4; i++) await setting.target.offer(await setting.next())
    await setting.target.drain(never)
    const [folder = ''] = readdirSync(setting.scratch)
    const objects = `${setting.scratch}/${folder}/objects`
    await until('no object is left', () => readdirSync(objects).every((name) => name.startsWith('.')))
    await setting.target.close()
    assert.equal(readdirSync(setting.scratch), [])
  })
})

/** A server that answers as it is told, one answer after the other. */
async function answering(answers: readonly RequestListener[], work: (sender: Sender) => Promise<void>): Promise<void> {
  let asked = 0
  const server = createServer((request, response) => {
    request.resume()
    request.on('end', () => answers[Math.min(asked++, answers.length - 1)]?.(request, response))
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const sender = new Sender({
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    connections: 1,
    format: 'combined',
    answerMs: 60_000,
  })
  try {
    await work(sender)
  } finally {
    sender.close()
    server.closeAllConnections()
    await new Promise((done) => server.close(done))
  }
}

const delivery = [{ source: 3, first: 10, count: 1, lines: Buffer.from('x\n') }]
const say =
  (status: number, headers: Readonly<Record<string, string>> = {}): RequestListener =>
  (_request, response) => {
    response.writeHead(status, headers).end(JSON.stringify({ detail: `because of ${status}` }))
  }

test('lines are sent again when the receiver says so, or nothing, until it has taken them', async () => {
  const cut: RequestListener = (_request, response) => void response.socket?.destroy()
  await answering([say(503, { 'retry-after': '0' }), say(429), cut, say(408), say(500), say(502), say(202)], async (sender) => {
    await sender.send(delivery)
    assert.is(sender.requests, 7)
    assert.is(sender.repeated, 6)
    assert.is(sender.trouble, undefined)
  })
})

test('what the receiver refuses for good is not sent again', async () => {
  await answering([say(413)], async (sender) => {
    const error = await sender.send(delivery).catch((thrown: unknown) => thrown)
    assert.instance(error, RefusedDeliveryError)
    assert.match((error as Error).message, 'the receiver answered 413: because of 413')
    assert.is(sender.requests, 1)
  })
})

test('a sender that is closed stops trying', async () => {
  await answering([say(503)], async (sender) => {
    const sending = sender.send(delivery).catch((thrown: unknown) => thrown)
    while (sender.repeated === 0) await new Promise((done) => setTimeout(done, 5))
    sender.close()
    assert.match(String(await sending), 'the target is closed')
  })
})

test.run()
