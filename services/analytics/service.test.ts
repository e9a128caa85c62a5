/** The analytics service over real HTTP on real stores: every route, wrong parameters, tokens, pages, busy and absent stores. */
import { type ChildProcess, fork } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { questionsAtOnce } from '../../stores/analytics.js'
import { openStore } from '../../stores/index.js'
import { connect } from '../../stores/postgres/connect.js'
import { chunkOf, chunksOf, failure, linesOf, streamOf } from '../../stores/postgres/servers.testing.js'
import type { StoreServer } from '../../stores/store.js'
import type { RunningService } from '../service.js'
import { analytics } from './analytics.js'
import { waiting } from './app.js'
import { Door } from './door.testing.js'
import { forkAnalytics } from './fork.js'
import { oddAddresses, oddLines } from './odd-lines.testing.js'
import { analyticsProcess, type FromAnalytics } from './process.js'
import { Reference, recordsOf } from './reference.testing.js'
import { startAnalytics } from './server.js'
import { type Kept, startable, storeWith } from './stores.testing.js'

const first = 9_000
const chunks = [...(await chunksOf(streamOf(), first, 2_000)), chunkOf(oddLines, 0, 2)]
const records = [...recordsOf(linesOf(chunks.slice(0, -1)), 1, first, 'combined'), ...recordsOf(oddLines, 2, 0, 'combined')]
const reference = new Reference(records)
const everything = { fromMs: null, toMs: null }
const whole = { limit: 100_000, offset: 0 }

const kept: Kept[] = []
const running: RunningService[] = []
const troubles: string[] = []

test.before(async () => {
  for (const name of startable) {
    const store = await storeWith(name, chunks)
    kept.push(store)
    running.push(await startAnalytics({ store: store.store, host: '127.0.0.1', port: 0, onTrouble: (message) => troubles.push(message) }))
  }
})

test.after(async () => {
  for (const service of running) await service.close()
  for (const store of kept) await store.close()
})

interface Answer {
  readonly status: number
  readonly type: string
  readonly headers: Headers
  readonly text: string
  // biome-ignore lint/suspicious/noExplicitAny: a document whose shape is what is tested
  readonly body: any
}

async function ask(path: string, init: RequestInit = {}, service = running[0]): Promise<Answer> {
  const response = await fetch(`${service?.url}${path}`, { ...init, signal: AbortSignal.timeout(60_000) })
  const text = await response.text()
  const type = response.headers.get('content-type')?.split(';')[0] ?? ''
  return { status: response.status, type, headers: response.headers, text, body: text === '' ? undefined : JSON.parse(text) }
}

function assertProblem(answer: Answer, status: number, about?: RegExp): void {
  assert.is(answer.status, status, answer.text)
  assert.is(answer.type, 'application/problem+json')
  assert.equal(Object.keys(answer.body), ['type', 'title', 'status', 'detail'])
  assert.is(answer.body.status, status)
  if (about !== undefined) assert.match(answer.body.detail, about)
}

const iso = (ms: number) => new Date(ms).toISOString().replace('.000Z', 'Z')
/** As JSON.parse reads what the service writes: large integers lose their last digits, on the test's side alone. */
const plain = (value: unknown) => JSON.parse(JSON.stringify(value, (_, inner) => (typeof inner === 'bigint' ? Number(inner) : inner)))

/** Its lines have sizes beyond 53 bits, and none. */
const largeSizes = '192.0.2.1'
const someAddress = reference.top('address', everything, { limit: 1, offset: 0 })[0]?.value ?? ''
const january = { fromMs: Date.UTC(2026, 0), toMs: Date.UTC(2026, 1) }

const routes: readonly { readonly path: string; readonly data: () => unknown }[] = [
  {
    path: '/v1/hits?step=minute&limit=1000',
    data: () =>
      reference.hits(everything, 'minute', { limit: 1000, offset: 0 }).map(({ atMs, hits, bytes }) => ({ at: iso(atMs), hits, bytes })),
  },
  {
    path: '/v1/hits',
    data: () => reference.hits(everything, 'hour', whole).map(({ atMs, hits, bytes }) => ({ at: iso(atMs), hits, bytes })),
  },
  { path: '/v1/top/path?from=2026-01-01&to=2026-02-01', data: () => reference.top('path', january, { limit: 100, offset: 0 }) },
  { path: '/v1/top/address?limit=7&offset=3', data: () => reference.top('address', everything, { limit: 7, offset: 3 }) },
  { path: '/v1/top/agent?limit=1000', data: () => reference.top('agent', everything, whole) },
  { path: '/v1/statuses', data: () => reference.statuses(everything) },
  { path: '/v1/visitors?to=2026-02-01T00:00:00.000Z', data: () => [{ visitors: reference.visitors({ ...january, fromMs: null }) }] },
  {
    path: `/v1/addresses/${someAddress}/latest?limit=5`,
    data: () =>
      reference
        .latest(someAddress, everything, { limit: 5, offset: 0 })
        .map(({ createdAtMs, ...line }) => ({ ...line, createdAt: iso(createdAtMs) })),
  },
  ...[...oddAddresses, largeSizes].map((address) => ({
    path: `/v1/addresses/${address}/latest`,
    data: () => reference.latest(address, everything, whole).map(({ createdAtMs, ...line }) => ({ ...line, createdAt: iso(createdAtMs) })),
  })),
  { path: '/v1/logins', data: () => reference.logins(everything, whole).map(({ lastMs, ...login }) => ({ ...login, last: iso(lastMs) })) },
]

const sorted = (value: unknown): unknown =>
  Array.isArray(value)
    ? value.map(sorted)
    : typeof value === 'object' && value !== null
      ? Object.fromEntries(
          Object.entries(value)
            .sort()
            .map(([key, inner]) => [key, sorted(inner)]),
        )
      : value

test('every route answers what the lines say, the same text from every store', async () => {
  for (const { path, data } of routes) {
    const answer = await ask(path)
    assert.is(answer.status, 200, `${path}: ${answer.text}`)
    assert.is(answer.type, 'application/json')
    assert.equal(sorted(answer.body.data), sorted(plain(data())), path)
    for (const service of running) assert.is((await ask(path, {}, service)).text, answer.text, path)
  }
})

test('whole numbers are written with all their digits', async () => {
  const { text } = await ask('/v1/top/path?limit=1000')
  assert.ok(text.includes('{"value":"/large","hits":6,"bytes":27679123309819068414}'), text.slice(0, 2000))
})

test('the error rate is the share of 4xx and 5xx; null where there were no hits', async () => {
  const { totals } = (await ask('/v1/statuses?limit=1')).body
  const count = (from: number) => records.filter(({ status }) => status >= from && status < 600).length
  assert.equal(totals, {
    hits: records.length,
    errors: count(400),
    errorRate: count(400) / records.length,
    serverErrors: count(500),
    serverErrorRate: count(500) / records.length,
  })
  assert.is((await ask('/v1/statuses?from=2030-01-01')).body.totals.errorRate, null)
})

test('pages follow one another without overlap or gap', async () => {
  for (const path of [
    '/v1/hits?step=minute',
    '/v1/top/path?',
    '/v1/top/address?',
    '/v1/statuses?',
    '/v1/logins?',
    `/v1/addresses/${someAddress}/latest?`,
  ]) {
    const all = (await ask(`${path}&limit=1000`)).body.data
    const size = Math.max(1, Math.ceil(all.length / 4))
    const found: unknown[] = []
    let offset: number | null = 0
    while (offset !== null) {
      const answer: Answer = await ask(`${path}&limit=${size}&offset=${offset}`)
      assert.equal([answer.body.page.limit, answer.body.page.offset], [size, offset])
      found.push(...answer.body.data)
      offset = answer.body.page.next
    }
    assert.ok(size < all.length)
    if (all.length < 1000) assert.equal(found, all, path)
    else assert.equal(found.slice(0, all.length), all, path)
    const { data, page } = (await ask(`${path}&offset=1000000000`)).body
    assert.equal({ data, page }, { data: [], page: { limit: 100, offset: 1e9, next: null } })
  }
})

test('wrong parameters are refused with a sentence', async () => {
  const wrong: readonly (readonly [string, RegExp])[] = [
    ['/v1/hits?limt=3', /no parameter "limt"/],
    ['/v1/hits?limit=0', /"limit" must be >= 1/],
    ['/v1/hits?limit=1001', /"limit" must be <= 1000/],
    ['/v1/hits?limit=ten', /"limit" must be integer/],
    ['/v1/hits?limit=1&limit=2', /"limit"/],
    ['/v1/hits?offset=-1', /"offset"/],
    ['/v1/hits?step=week', /"step".*minute, hour, day/],
    ['/v1/hits?from=yesterday', /"from" must match/],
    ['/v1/hits?from=2026-02-30', /"from" is no time/],
    ['/v1/hits?from=2026-01-01T24:00:00Z', /"from" is no time/],
    ['/v1/hits?from=2026-01-01T00:00:00%2B01:00', /"from" must match/],
    ['/v1/hits?from=2026-02-01&to=2026-01-01', /"from" lies after "to"/],
    ['/v1/top/user', /"field".*path, address, agent/],
    ['/v1/visitors?limit=3', /no parameter "limit"/],
    ['/v1/addresses/10.0.0.0%2F8/latest', /address is none/],
    ['/v1/addresses/fe80::1%25eth0/latest', /address is none/],
    ['/v1/addresses/1.2.3/latest', /address is none/],
    ['/v1/addresses/%E0%A4%A/latest', /not a valid url/],
    ['/health?x=1', /no parameter "x"/],
  ]
  for (const [path, about] of wrong) assertProblem(await ask(path), 400, about)
})

test('what is not there is 404, and other methods than GET and HEAD are 405', async () => {
  assertProblem(await ask('/'), 404)
  assertProblem(await ask('/v1/hits/'), 404)
  assertProblem(await ask('/v1/nothing', { method: 'POST', body: 'x' }), 404)
  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'PROPFIND']) {
    const body = ['POST', 'PUT', 'PATCH'].includes(method) ? { body: '{"broken', headers: { 'content-type': 'application/json' } } : {}
    const answer = await ask('/v1/top/path', { method, ...body })
    assertProblem(answer, 405)
    assert.is(answer.headers.get('allow'), 'GET, HEAD')
  }
  const head = await ask('/v1/hits', { method: 'HEAD' })
  assert.is(head.status, 200)
  assert.is(head.text, '')
})

test('whatever is asked, the answer is an answer or a sentence, never a failure of the service', async () => {
  const word = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 30 }),
    fc.constantFrom(
      '0',
      '-1',
      '1e3',
      '99999999999999999999',
      'NaN',
      '2026-02-29',
      '2026-01-31T00:00:00Z',
      '0000-01-01',
      '9999-12-31',
      '::',
      '::ffff:1.2.3.4',
      '%00',
    ),
    fc.constantFrom("' OR 1=1 --", '\\', '{from:UInt32}', '$1', '\u0000', '1.2.3.4', 'constructor', '__proto__'),
  )
  const name = fc.oneof({ weight: 4, arbitrary: fc.constantFrom('from', 'to', 'step', 'limit', 'offset') }, { weight: 1, arbitrary: word })
  const encoded = (text: string) => encodeURIComponent(Buffer.from(text).toString())
  const path = fc.oneof(
    fc.constantFrom(
      '/v1/hits',
      '/v1/top/path',
      '/v1/top/address',
      '/v1/statuses',
      '/v1/visitors',
      '/v1/logins',
      '/v1/addresses/::1/latest',
    ),
    word.map((text) => `/v1/top/${encoded(text)}`),
    word.map((text) => `/v1/addresses/${encoded(text)}/latest`),
    word.map((text) => `/${encoded(text)}`),
  )
  const query = fc.array(fc.tuple(name, word), { maxLength: 3 })
  await fc.assert(
    fc.asyncProperty(path, query, async (at, pairs) => {
      const url = `${at}?${pairs.map(([key, value]) => `${encoded(key)}=${encoded(value)}`).join('&')}`
      for (const service of running) {
        const answer = await ask(url, {}, service)
        if (answer.status === 200) assert.ok(Array.isArray(answer.body.data), url)
        else assertProblem(answer, answer.status === 404 ? 404 : 400)
      }
    }),
    { numRuns: 300 },
  )
  assert.equal(troubles, [])
})

test('Prometheus is told of requests by route, whatever paths are asked for', async () => {
  await ask('/v1/hits?limit=1')
  await ask('/no/such/path')
  const metrics = await (await fetch(`${running[0]?.url}/metrics`)).text()
  assert.match(metrics, /weir_http_request_seconds_count\{[^}]*route="\/v1\/hits",status="200"/)
  assert.match(metrics, /route="none",status="404"/)
  assert.not.match(metrics, 'such')
})

test('where a token is set, it is asked for, and nothing but /health, /ready and the document goes without', async () => {
  const token = 'correct-horse-battery'
  const store = kept[0]?.store
  if (store === undefined) throw new Error('no store')
  const service = await startAnalytics({ store, host: '127.0.0.1', port: 0, token })
  try {
    const shown = (authorization: string) => ask('/v1/visitors', { headers: { authorization } }, service)
    assert.is((await shown(`Bearer ${token}`)).status, 200)
    assert.is((await shown(`bearer ${token}`)).status, 200)
    for (const wrong of [
      '',
      'Bearer',
      'Bearer ',
      `Bearer ${token}x`,
      `Bearer ${token.slice(1)}`,
      token,
      `Basic ${token}`,
      `Bearer ${token} ${token}`,
    ]) {
      const answer = await shown(wrong)
      assertProblem(answer, 401)
      assert.is(answer.headers.get('www-authenticate'), 'Bearer')
      assert.not.match(answer.text, token)
    }
    assertProblem(await ask('/v1/nothing', {}, service), 401)
    assertProblem(await ask(`/v1/visitors?token=${token}`, {}, service), 401)
    for (const path of ['/health', '/ready', '/openapi.json']) assert.is((await ask(path, {}, service)).status, 200)
  } finally {
    await service.close()
  }
})

test('the document is valid, covers every route, and the answers are what it says', async () => {
  const document = (await ask('/openapi.json')).body
  assert.equal(document, plain(await analytics.openapi()))
  assert.match(document.openapi, /^3\.1\.\d+$/)
  assert.ok(document.info.title && document.info.version)
  const paths = [
    '/v1/hits',
    '/v1/top/{field}',
    '/v1/statuses',
    '/v1/visitors',
    '/v1/addresses/{address}/latest',
    '/v1/logins',
    '/health',
    '/ready',
  ]
  assert.equal(Object.keys(document.paths).sort(), [...paths].sort())
  const ajv = new Ajv2020({ strict: false, allErrors: true })
  formats.default(ajv)
  ajv.addSchema({ $id: 'document', ...document })
  const ids = new Set<string>()
  for (const [path, methods] of Object.entries<
    Record<
      string,
      {
        operationId: string
        parameters?: { name: string; in: string; required: boolean; schema: object }[]
        responses: Record<string, { description: string; content: Record<string, object> }>
      }
    >
  >(document.paths)) {
    assert.equal(Object.keys(methods), ['get'], path)
    const get = methods['get']
    if (get === undefined) continue
    ids.add(get.operationId)
    const places = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
    const inPath = (get.parameters ?? []).filter((parameter) => parameter.in === 'path')
    assert.equal(
      inPath.map(({ name }) => name),
      places,
    )
    assert.ok(inPath.every(({ required }) => required))
    for (const { schema } of get.parameters ?? []) assert.ok(ajv.validateSchema(schema))
    for (const [status, { description, content }] of Object.entries(get.responses)) {
      assert.ok(description.length > 0, `${path} ${status}`)
      assert.equal(Object.keys(content), [status === '200' ? 'application/json' : 'application/problem+json'])
    }
  }
  assert.is(ids.size, paths.length)

  const pointer = (path: string, status: number, type: string) =>
    `document#/paths/${encodeURIComponent(path.replaceAll('/', '~1'))}/get/responses/${status}/content/${encodeURIComponent(type.replaceAll('/', '~1'))}/schema`
  const check = (path: string, answer: Answer) => {
    const validate = ajv.compile({ $ref: pointer(path, answer.status, answer.type) })
    assert.ok(validate(answer.body), `${path} ${answer.status}: ${ajv.errorsText(validate.errors)}`)
  }
  const templates = (path: string) =>
    path
      .split('?')[0]
      ?.replace(/top\/\w+/, 'top/{field}')
      .replace(/addresses\/[^/]+/, 'addresses/{address}') ?? ''
  for (const { path } of routes) check(templates(path), await ask(path))
  for (const path of ['/health', '/ready']) check(path, await ask(path))
  for (const { path } of routes) check(templates(path), await ask(`${path}${path.includes('?') ? '&' : '?'}what=x`))
})

test('more questions than the store may be asked are told to come back, and the service stays alive', async () => {
  const store = kept[0]?.store
  if (store === undefined) throw new Error('no store')
  const client = await connect(store.address.url)
  const service = await startAnalytics({ store, host: '127.0.0.1', port: 0 })
  try {
    await client.query(`BEGIN; LOCK TABLE ${store.address.schema}.nginx_logfile_row IN ACCESS EXCLUSIVE MODE`)
    const asked = Array.from({ length: 60 }, () => ask('/v1/statuses', {}, service))
    // Those who find no place are answered while the others still wait.
    const busy = await Promise.any(asked.map(async (one) => ((await one).status === 503 ? one : Promise.reject(new Error('answered')))))
    // All have come once the last of them is answered.
    await refusals(asked, asked.length - questionsAtOnce - waiting)
    assertProblem(busy, 503, /busy/)
    const metrics = await (await fetch(`${service.url}/metrics`)).text()
    assert.match(metrics, new RegExp(`^weir_analytics_questions_in_hand\\{[^}]*\\} ${questionsAtOnce}$`, 'm'))
    assert.match(metrics, new RegExp(`^weir_analytics_waiting_questions\\{[^}]*\\} ${waiting}$`, 'm'))
    assert.is(busy.headers.get('retry-after'), '1')
    assert.is((await ask('/health', {}, service)).status, 200)
    await client.query('ROLLBACK')
    const statuses = (await Promise.all(asked)).map(({ status }) => status)
    assert.is(statuses.filter((status) => status === 200).length, questionsAtOnce + waiting)
    assert.is(statuses.filter((status) => status === 503).length, asked.length - questionsAtOnce - waiting)
    assert.is((await ask('/v1/statuses', {}, service)).status, 200)
  } finally {
    await client.end()
    await service.close()
  }
})

/** Until so many were answered that the store is busy. */
async function refusals(asked: readonly Promise<Answer>[], count: number): Promise<void> {
  let seen = 0
  await new Promise<void>((resolve, reject) => {
    for (const one of asked) {
      one.then(({ status }) => {
        if (status === 503 && ++seen === count) resolve()
      }, reject)
    }
  })
}

for (const name of startable) {
  test(`a store that goes is 503 with a sentence, and its return is noticed by the next question: ${name}`, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'weir-analytics-test-'))
    const door = await Door.open()
    const portOf = ({ url }: StoreServer) => Number(new URL(url).port)
    let keeping = await storeWith(name, chunks, folder)
    const heard: string[] = []
    try {
      const url = new URL(keeping.server.url)
      url.port = String(door.port)
      url.hostname = '127.0.0.1'
      url.search = ''
      door.lead(portOf(keeping.server))
      const store = await openStore({ ...keeping.store.address, url: url.href })
      const service = await startAnalytics({ store, host: '127.0.0.1', port: 0, onTrouble: (message) => heard.push(message) })
      try {
        const before = await ask('/v1/top/path', {}, service)
        assert.is(before.status, 200)
        // The embedded engine has another password each time: there, it is the way to the server that goes.
        if (name === 'postgres') await keeping.close()
        door.lead(undefined)
        for (const path of ['/v1/top/path', '/v1/visitors', '/ready']) {
          const answer = await ask(path, {}, service)
          assertProblem(answer, 503, /store/)
          assert.is(answer.headers.get('retry-after'), '1')
          assert.not.ok(answer.text.includes(`:${url.port}`))
        }
        assert.is((await ask('/health', {}, service)).status, 200)
        assert.ok(heard.length >= 1 && heard.every((line) => /^(?:Postgres|ClickHouse) at /.test(line)), heard.join('\n'))
        if (url.password !== '') assert.not.ok(heard.some((line) => line.includes(url.password)))
        if (name === 'postgres') keeping = await storeWith(name, [], folder)
        door.lead(portOf(keeping.server))
        const after = await ask('/v1/top/path', {}, service)
        assert.is(after.status, 200, heard.join('\n'))
        assert.ok(after.text === before.text)
        assert.is((await ask('/ready', {}, service)).status, 200)
      } finally {
        await service.close()
        await store.close()
      }
    } finally {
      await keeping.close()
      await door.close()
      await rm(folder, { recursive: true, force: true })
    }
  })
}

test('closing answers what is under way, even over a connection that is kept, and frees the port', async () => {
  const store = kept[0]?.store
  if (store === undefined) throw new Error('no store')
  const client = await connect(store.address.url)
  const service = await startAnalytics({ store, host: '127.0.0.1', port: 0 })
  try {
    await ask('/health', {}, service)
    await client.query(`BEGIN; LOCK TABLE ${store.address.schema}.nginx_logfile_row IN ACCESS EXCLUSIVE MODE`)
    const asked = ask('/v1/statuses', {}, service)
    await untilWaiting(store.address.url)
    const closing = service.close()
    await client.query('ROLLBACK')
    assert.is((await asked).status, 200)
    await closing
    assert.match((await failure(ask('/health', {}, service))).message, /fetch failed/)
    await service.close()
  } finally {
    await client.end()
  }
})

/** Until somebody waits for a lock: asking again is the waiting. */
async function untilWaiting(url: string): Promise<void> {
  const client = await connect(url)
  try {
    for (;;) {
      const { rowCount } = await client.query(
        `SELECT 1 FROM pg_stat_activity WHERE application_name = 'weir analytics' AND wait_event_type = 'Lock'`,
      )
      if ((rowCount ?? 0) > 0) return
    }
  } finally {
    await client.end()
  }
}

test('a taken port, a store without answers and a run that is not there are told before anything listens', async () => {
  const store = kept[0]?.store
  if (store === undefined) throw new Error('no store')
  const taken = Number(new URL(running[0]?.url ?? '').port)
  assert.match((await failure(startAnalytics({ store, host: '127.0.0.1', port: taken }))).message, /port \d+: somebody else listens there/)
  const nothing = await openStore({ ...store.address, store: 'null', url: '' })
  assert.match(
    (await failure(startAnalytics({ store: nothing, host: '127.0.0.1', port: 0 }))).message,
    /null store answers no questions: it keeps nothing/,
  )
  for (const { store } of kept) {
    const absent = await openStore({ ...store.address, schema: 'weir_absent' })
    assert.match((await failure(startAnalytics({ store: absent, host: '127.0.0.1', port: 0 }))).message, /weir_absent/)
    await absent.close()
  }
})

test('garbage that is no HTTP is answered as a problem too', async () => {
  const { port } = new URL(running[0]?.url ?? '')
  const status = await new Promise((resolve, reject) => {
    const asking = request({ port, host: '127.0.0.1', path: '/health', headers: { 'x-large': 'x'.repeat(100_000) } }, (response) => {
      response.resume()
      resolve([response.statusCode, response.headers['content-type']])
    })
    asking.on('error', reject)
    asking.end()
  })
  assert.equal(status, [431, 'application/problem+json'])
})

test('as a child process it answers the same, ends in order, and goes with its parent', async () => {
  for (const [i, { store }] of kept.entries()) {
    const child = await forkAnalytics({ address: store.address, host: '127.0.0.1', port: 0 })
    assert.is((await ask('/v1/logins', {}, child)).text, (await ask('/v1/logins', {}, running[i])).text)
    await child.close()
    assert.throws(() => process.kill(child.pid, 0), /ESRCH/)
  }
  const address = kept[0]?.store.address
  if (address === undefined) throw new Error('no store')
  const trouble = await failure(forkAnalytics({ address: { ...address, schema: 'weir_absent' }, host: '127.0.0.1', port: 0 }))
  assert.match(trouble.message, /could not start: .*weir_absent/)

  const orphan: ChildProcess = fork(analyticsProcess, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  const listening = new Promise<FromAnalytics>((resolve) => orphan.once('message', resolve))
  const ended = new Promise<void>((resolve) => orphan.once('exit', () => resolve()))
  orphan.send({ kind: 'begin', orders: { address, host: '127.0.0.1', port: 0 } })
  assert.is((await listening).kind, 'listening')
  orphan.disconnect()
  await ended
})

test.run()
