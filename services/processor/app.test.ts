/** What a processor says over HTTP: readiness, metrics, its document; and whatever is sent to it, it answers or closes. */
import { connect } from 'node:net'
import * as fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { listen } from '../listening.js'
import { processorApp } from './app.js'
import { processor } from './processor.js'

const numRuns = Number(process.env['WEIR_FUZZ_RUNS'] ?? 150)
const processing = { waiting: 3, refused: 1, inHand: 2, conflicts: 4, takeovers: 5, trouble: undefined as string | undefined }

let url = ''
let served: Awaited<ReturnType<typeof processorApp>>
test.before(async () => {
  served = await processorApp({ processing, token: 'secret' })
  url = await listen(served.app, '127.0.0.1', 0)
})
test.after(() => served.app.close())

const token = { authorization: 'Bearer secret' }
const ask = (path: string, init: RequestInit = {}) => fetch(url + path, init)

async function servesOn(): Promise<void> {
  const answer = await ask('/health')
  assert.is(answer.status, 200)
  assert.equal(await answer.json(), { status: 'ok' })
}

test('readiness follows the work', async () => {
  assert.is((await ask('/ready')).status, 200)
  processing.trouble = 'Postgres at ... is away'
  const answer = await ask('/ready')
  assert.is(answer.status, 503)
  assert.match(answer.headers.get('content-type') ?? '', 'application/problem+json')
  assert.not.match(await answer.text(), 'Postgres')
  processing.trouble = undefined
  assert.is((await ask('/ready')).status, 200)
})

test('metrics want the token, and say what was done', async () => {
  assert.is((await ask('/metrics')).status, 401)
  served.done({
    id: 1,
    name: 'a',
    receipt: [
      { source: 1, first: 0, count: 5, fate: 'stored' },
      { source: 1, first: 5, count: 2, fate: 'rejected', reason: 'bad status' },
    ],
    known: 4,
    bytes: 700,
    elapsedMs: 20,
  })
  const text = await (await ask('/metrics', { headers: token })).text()
  for (const line of [
    /weir_processor_records_total\{fate="stored",service="processor"\} 5/,
    /weir_processor_records_total\{fate="rejected",service="processor"\} 2/,
    /weir_processor_records_total\{fate="known",service="processor"\} 4/,
    /weir_processor_waiting_objects\{service="processor"\} 3/,
    /weir_processor_refused_objects\{service="processor"\} 1/,
    /weir_processor_object_seconds_count\{service="processor"\} 1/,
  ])
    assert.match(text, line)
})

test('the document names every route that callers need', async () => {
  const document = (await processor.openapi()) as { readonly openapi: string; readonly paths: object }
  assert.is(document.openapi, '3.1.0')
  assert.equal(Object.keys(document.paths).sort(), ['/health', '/ready'])
})

test('paths, methods, headers and bodies of any kind', async () => {
  const path = fc.oneof(fc.webPath(), fc.constantFrom('/health', '/ready', '/metrics', '/openapi.json', '/v1/lines'))
  const method = fc.constantFrom('GET', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'POST', 'HEAD')
  await fc.assert(
    fc.asyncProperty(path, method, fc.uint8Array({ maxLength: 3000 }), fc.boolean(), async (where, how, body, known) => {
      const answer = await ask(where, {
        method: how,
        headers: { 'content-type': 'application/json', ...(known ? token : {}) },
        ...(how === 'GET' || how === 'HEAD' ? {} : { body }),
      })
      assert.ok([200, 400, 401, 404, 405, 413, 414].includes(answer.status), `${how} ${where}: ${answer.status}`)
      await answer.arrayBuffer()
    }),
    { numRuns },
  )
  await servesOn()
})

test('bytes that are hardly HTTP', async () => {
  const { port } = new URL(url)
  const say = (bytes: Uint8Array) =>
    new Promise<string>((done) => {
      const socket = connect(Number(port), '127.0.0.1')
      let heard = ''
      socket.setTimeout(300, () => socket.destroy())
      socket.on('data', (data) => {
        heard += data.toString('latin1')
      })
      socket.on('error', () => undefined)
      socket.on('close', () => done(heard))
      socket.write(bytes)
    })
  const request = 'GET /health HTTP/1.1\r\nHost: a\r\nX-Other: b\r\n\r\n'
  const mangled = fc
    .record({
      at: fc.nat(request.length),
      cut: fc.nat(6),
      put: fc.oneof(fc.string({ maxLength: 8 }), fc.constantFrom('\r\n', '\0', ':', '\n\n')),
    })
    .map(({ at, cut, put }) => Buffer.from(request.slice(0, at) + put + request.slice(at + cut), 'latin1'))
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(mangled, fc.uint8Array({ maxLength: 300 })), { minLength: 10, maxLength: 20 }), async (all) => {
      for (const heard of await Promise.all(all.map(say))) assert.match(heard, /^$|^HTTP\/1\.1 (200|4\d\d) /)
      await servesOn()
    }),
    { numRuns: Math.ceil(numRuns / 10) },
  )
})

test.run()
