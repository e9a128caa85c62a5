/** The load of questions: due times that stand whatever happens, latencies from them, a bound on what is under way, a balanced end. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Analytics } from '../stores/analytics.js'
import { chunksOf, onEmbedded, streamOf } from '../stores/postgres/servers.testing.js'
import { AnalyticsLoad } from './analytics-load.js'
import { type NamedQuery, queryAt, type StreamView } from './analytics-mix.js'
import { type AnalyticsTransport, DirectTransport, HttpTransport, pathOf } from './analytics-transport.js'
import { constant } from './arrivals/constant.js'
import { ManualClock, systemClock } from './clock.js'

const view: StreamView = { fromMs: Date.UTC(2026, 0, 1), toMs: Date.UTC(2026, 0, 2), addresses: ['192.0.2.1', '2001:db8::1'] }

/** Answers each question when it is told to. */
class Held implements AnalyticsTransport {
  readonly asked: NamedQuery[] = []
  private readonly open: (() => void)[] = []

  ask(query: NamedQuery, signal: AbortSignal): Promise<void> {
    this.asked.push(query)
    return new Promise((resolve, reject) => {
      this.open.push(resolve)
      signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    })
  }

  answer(count = 1): void {
    for (const resolve of this.open.splice(0, count)) resolve()
  }
}

/** A clock that nobody's waiting moves: only `advance` does, and wakes whoever has waited for that time. */
class TurnedClock extends ManualClock {
  private readonly waiting = new Set<{ readonly atMs: number; readonly wake: () => void }>()

  override until(atMs: number): Promise<void> {
    return new Promise((wake) => this.waiting.add({ atMs, wake }))
  }

  async turn(ms: number): Promise<void> {
    this.advance(ms)
    for (const waiter of this.waiting) {
      if (waiter.atMs > this.now()) continue
      this.waiting.delete(waiter)
      waiter.wake()
    }
    await new Promise((resolve) => setImmediate(resolve))
  }
}

test('questions come due at equal distances, whatever became of those before', async () => {
  const clock = new TurnedClock()
  const transport = new Held()
  const load = new AnalyticsLoad({ transport, clock, arrivals: constant(10), view: () => view, seed: 1, concurrency: 100 })
  load.start()
  for (let i = 0; i < 10; i++) await clock.turn(100)
  assert.is(transport.asked.length, 11, 'at 0, 100 .. 1000 ms')
  transport.answer(11)
  const { asked, answered, failed, unsent, latency, service } = await load.stop()
  assert.equal([asked, answered, failed, unsent], [11, 11, 0, 0])
  assert.is(latency?.max, 1000, 'the first one')
  assert.equal(latency, service)
})

test('who waits for room waits from its due time, and service time is counted from the sending', async () => {
  const clock = new TurnedClock()
  const transport = new Held()
  const load = new AnalyticsLoad({ transport, clock, arrivals: constant(10), view: () => view, seed: 1, concurrency: 1 })
  load.start()
  for (let i = 0; i < 5; i++) await clock.turn(100)
  assert.is(transport.asked.length, 1)
  // The first is answered after 500 ms; the second, due at 100, is sent then and answered at 600.
  transport.answer()
  await clock.turn(0)
  await clock.turn(100)
  transport.answer()
  await clock.turn(0)
  const stopping = load.stop()
  await clock.turn(5000)
  const { asked, answered, failed, unsent, latency, service, errors } = await stopping
  assert.equal([asked, answered, failed, unsent], [7, 2, 1, 4])
  assert.is(latency?.max, 500)
  assert.is(Math.round(latency?.p50 ?? 0), 500, 'the second waited for 400 ms before it was sent')
  assert.is(Math.round(service?.p50 ?? 0), 100, 'to the three digits of the histogram')
  assert.equal(Object.values(errors), [1], 'the one under way had no answer')
  assert.is(asked, answered + failed + unsent)
})

test('a driver that comes late sends what has come due meanwhile, with its due time', async () => {
  const clock = new TurnedClock()
  const transport = new Held()
  const load = new AnalyticsLoad({ transport, clock, arrivals: constant(100), view: () => view, seed: 1 })
  load.start()
  await clock.turn(55)
  assert.is(transport.asked.length, 6)
  transport.answer(6)
  await clock.turn(0)
  const { latency, service } = await load.stop()
  assert.is(latency?.max, 55)
  assert.is(service?.max, 55, 'the first one was sent in time')
  assert.ok((service?.p50 ?? 0) < (latency?.p50 ?? 0))
})

test('nothing is asked before the stream holds something, and the wait counts', async () => {
  const clock = new TurnedClock()
  const transport = new Held()
  let held: StreamView | undefined
  const load = new AnalyticsLoad({ transport, clock, arrivals: constant(10), view: () => held, seed: 1 })
  load.start()
  await clock.turn(250)
  assert.is(transport.asked.length, 0)
  held = view
  await clock.turn(50)
  assert.is(transport.asked.length, 4)
  transport.answer(4)
  const { latency } = await load.stop()
  assert.is(latency?.max, 300)
})

test('errors are counted by message and by query, and are no latencies', async () => {
  const clock = new TurnedClock()
  const transport = { ask: async ({ name }: NamedQuery) => Promise.reject(new Error(`no ${name}`)) }
  const load = new AnalyticsLoad({ transport, clock, arrivals: constant(1000), view: () => view, seed: 3 })
  load.start()
  for (let i = 0; i < 99; i++) await clock.turn(1)
  const { asked, answered, failed, latency, errors, byQuery } = await load.stop()
  assert.equal([asked, answered, failed, latency], [100, 0, 100, null])
  assert.is(
    Object.values(errors).reduce((sum, count) => sum + count, 0),
    100,
  )
  for (const [name, { failed: some }] of Object.entries(byQuery)) assert.is(errors[`no ${name}`], some)
})

test('the mix: the same from the same seed, every query in it, spans within the stream', () => {
  const names = new Map<string, number>()
  for (let index = 0; index < 2000; index++) {
    const query = queryAt(7, index, view)
    assert.equal(query, queryAt(7, index, view))
    names.set(query.name, (names.get(query.name) ?? 0) + 1)
    assert.ok((query.span.fromMs ?? 0) >= view.fromMs && (query.span.toMs ?? 0) === view.toMs + 1)
    if (query.name === 'latest') assert.ok(view.addresses.includes(query.address))
  }
  assert.equal([...names.keys()].sort(), ['hits', 'latest', 'logins', 'statuses', 'top', 'visitors'])
  const share = (name: string) => (names.get(name) ?? 0) / 2000
  assert.ok(Math.abs(share('hits') - 0.3) < 0.05 && Math.abs(share('logins') - 0.05) < 0.025, JSON.stringify([...names]))
  assert.ok([...Array(50).keys()].some((index) => queryAt(8, index, view).name !== queryAt(7, index, view).name))
})

test('over HTTP: paths and parameters, a token, and errors that say what was answered', async () => {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(`${request.headers.authorization} ${request.url}`)
    if (request.url?.startsWith('/v1/visitors')) response.writeHead(503).end('too busy')
    else response.end('[]')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  try {
    const transport = new HttpTransport(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, 'secret')
    const { signal } = new AbortController()
    const span = { fromMs: Date.UTC(2026, 0, 1), toMs: null }
    const page = { limit: 10, offset: 20 }
    await transport.ask({ name: 'latest', address: '2001:db8::1', span, page }, signal)
    assert.equal(asked, ['Bearer secret /v1/addresses/2001%3Adb8%3A%3A1/latest?from=2026-01-01T00%3A00%3A00.000Z&limit=10&offset=20'])
    const failed = await transport.ask({ name: 'visitors', span }, signal).then(
      () => '',
      (error: Error) => error.message,
    )
    assert.is(failed, 'the analytics service answered 503 to visitors: too busy')
  } finally {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
  const span = { fromMs: null, toMs: null }
  assert.is(pathOf({ name: 'hits', span, step: 'hour', page: { limit: 5, offset: 0 } }), '/v1/hits?step=hour&limit=5')
  assert.is(pathOf({ name: 'top', field: 'path', span, page: { limit: 5, offset: 0 } }), '/v1/top/path?limit=5')
})

onEmbedded('asks the store itself while it is written', async (ground) => {
  const run = await ground.run()
  const writer = ground.closing(await run.writer())
  const analytics = ground.closing((await run.analytics()) as Analytics)
  const transport = new DirectTransport(analytics)
  const load = new AnalyticsLoad({ transport, clock: systemClock, arrivals: constant(20), view: () => view, seed: 1, graceMs: 30_000 })
  load.start()
  for (const chunk of await chunksOf(streamOf(), 0, 40_000)) await writer.write([chunk])
  const { asked, answered, failed, unsent, errors } = await load.stop()
  assert.ok(answered > 0)
  assert.is(failed, 0, JSON.stringify(errors))
  assert.is(asked, answered + unsent)
})

test('several loads are summed: counts, latencies and errors', async () => {
  const once = async (seed: number) => {
    const analytics = { ask: async () => (seed === 2 ? Promise.reject(new Error('no')) : undefined) }
    const load = new AnalyticsLoad({ transport: analytics, clock: systemClock, arrivals: constant(1000), view: () => view, seed })
    load.start()
    await systemClock.until(systemClock.now() + 20)
    await load.stop()
    return load
  }
  const [first, second] = [await once(1), await once(2)]
  const [a, b] = [first.figures(), second.figures()]
  first.add(second)
  const sum = first.figures()
  assert.is(sum.asked, a.asked + b.asked)
  assert.is(sum.answered, a.answered)
  assert.is(sum.failed, b.failed)
  assert.equal(sum.errors, { no: b.failed })
  assert.equal(sum.latency, a.latency)
})

test.run()
