/** Whatever is sent to the receiver, it answers or closes, and serves the next good request. */
import * as fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { good, TestReceiver } from './receiver.testing.js'

const numRuns = Number(process.env['WEIR_FUZZ_RUNS'] ?? 150)

let receiver: TestReceiver
test.before(async () => {
  receiver = await TestReceiver.start({ arrivalMs: 400, bodyBytes: 100_000, unpackedBytes: 200_000, mostHeldBytes: 1 << 30 })
})
test.after(() => receiver.remove())

async function servesOn(): Promise<void> {
  const { status, body } = await receiver.send(`${good}\n`)
  assert.is(status, 202)
  assert.is(body['accepted'], 1)
}

const request = `POST /v1/lines HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: ${good.length}\r\n\r\n${good}`

test('bytes that are hardly HTTP', async () => {
  const edit = fc.record({
    at: fc.nat(request.length),
    cut: fc.nat(6),
    bytes: fc.oneof(
      fc.constantFrom('\r\n', '\n', '\0', ':', ' ', '\r\n\r\n', 'Transfer-Encoding: chunked\r\n', 'Content-Length: 5\r\n', 'é'),
      fc.string({ maxLength: 8 }),
    ),
  })
  const mangled = fc
    .array(edit, { minLength: 1, maxLength: 5 })
    .map((edits) => edits.reduce((bytes, { at, cut, bytes: put }) => bytes.slice(0, at) + put + bytes.slice(at + cut), request))
  const anything = fc.oneof(
    { weight: 4, arbitrary: mangled.map((words) => Buffer.from(words, 'latin1')) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 300 }) },
  )
  // Many at once, so that those who wait for a time-out do not wait one after the other.
  await fc.assert(
    fc.asyncProperty(fc.array(anything, { minLength: 10, maxLength: 20 }), async (all) => {
      const heard = await Promise.all(all.map((bytes) => receiver.raw(bytes, 3_000)))
      for (const answer of heard) assert.match(answer, /^$|^HTTP\/1\.1 (202|4\d\d|503) /)
      await servesOn()
    }),
    { numRuns: Math.ceil(numRuns / 10) },
  )
})

test('bytes that are hardly HTTP/2', async () => {
  const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
  const frame = fc
    .record({ type: fc.nat(12), flags: fc.nat(255), stream: fc.nat(5), payload: fc.uint8Array({ maxLength: 60 }), lie: fc.nat(3) })
    .map(({ type, flags, stream, payload, lie }) => {
      const head = Buffer.alloc(9)
      head.writeUIntBE(payload.length + lie, 0, 3)
      head[3] = type
      head[4] = flags
      head.writeUInt32BE(stream, 5)
      return Buffer.concat([head, payload])
    })
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(frame, { maxLength: 6 }), { minLength: 10, maxLength: 20 }), async (all) => {
      await Promise.all(all.map((frames) => receiver.raw(Buffer.concat([preface, ...frames]), 600)))
      await servesOn()
    }),
    { numRuns: Math.ceil(numRuns / 15) },
  )
})

test('headers and bodies of any kind', async () => {
  const value = fc.oneof(
    fc.constantFrom('0', '-1', '1e9', '9007199254740993', 'combined', 'json', 'gzip', 'zstd', 'br', 'text/plain;', 'application/x-ndjson'),
    fc.string({ maxLength: 20 }),
  )
  const headers = fc.dictionary(
    fc.constantFrom('weir-source', 'weir-first', 'weir-format', 'content-type', 'content-encoding', 'authorization', 'expect', 'x-other'),
    value,
    { maxKeys: 5 },
  )
  const body = fc.oneof(
    fc.uint8Array({ maxLength: 2_000 }),
    fc.array(fc.constantFrom(good, '', 'x', '{}', good.slice(0, 40)), { maxLength: 30 }).map((lines) => Buffer.from(lines.join('\n'))),
  )
  await fc.assert(
    fc.asyncProperty(headers, body, async (given, bytes) => {
      const sent = Object.fromEntries(
        Object.entries(given).filter(([name, text]) => name !== 'expect' && /^[\x21-\x7e][\x20-\x7e]*$/.test(text)),
      )
      const { status, body: answer } = await receiver.send(bytes, sent)
      assert.ok([202, 400, 409, 413, 415].includes(status), `${status} ${JSON.stringify(answer)}`)
      if (status === 202) {
        const lines = bytes.reduce((count, byte) => count + (byte === 10 ? 1 : 0), bytes.at(-1) === 10 ? 0 : 1)
        if (sent['content-encoding'] === undefined) assert.is((answer['accepted'] as number) + (answer['rejected'] as number), lines)
      } else assert.is(answer['status'], status)
    }),
    { numRuns: numRuns * 2 },
  )
  await servesOn()
})

test('paths and methods of any kind', async () => {
  await fc.assert(
    fc.asyncProperty(fc.constantFrom('GET', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'POST', 'HEAD'), fc.webPath(), async (method, path) => {
      const answer = await fetch(receiver.url + path, { method, headers: { 'content-type': 'text/plain' } })
      assert.ok([200, 400, 404, 405, 414].includes(answer.status), `${method} ${path}: ${answer.status}`)
      await answer.arrayBuffer()
    }),
    { numRuns },
  )
  await servesOn()
})

test.run()
