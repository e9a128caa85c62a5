/** The receiver over real connections: what it takes, what it refuses, what it keeps, and what it does in trouble. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import * as http2 from 'node:http2'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { freshBuffers } from '../../generators/buffer-pool.js'
import { parseKeys } from '../../objects/keys.js'
import { encodings, readBody } from './body.js'
import { good, linesOf, TestReceiver } from './receiver.testing.js'
import type { ReceiverOptions, ReceiverSettings } from './server.js'

/** Runs with a receiver that is stopped and removed afterwards, whatever happens. */
async function with_(
  settings: Partial<ReceiverSettings>,
  work: (receiver: TestReceiver) => Promise<void>,
  options: Partial<ReceiverOptions> = {},
): Promise<void> {
  const receiver = await TestReceiver.start(settings, options)
  try {
    await work(receiver)
  } finally {
    await receiver.remove()
  }
}

const from = (first: number, source = 3) => ({ 'weir-source': String(source), 'weir-first': String(first) })

test('lines are counted, those that are no records are named, and all of them are kept as they came', async () => {
  await with_({}, async (receiver) => {
    const { status, body } = await receiver.send(`${good}\n\nbad\n${good}`, from(10))
    assert.is(status, 202)
    assert.equal(body, {
      accepted: 2,
      rejected: 2,
      rejects: [
        { line: 1, reason: 'empty line' },
        { line: 2, reason: 'truncated or malformed line' },
      ],
      source: 3,
      first: 10,
      duplicate: false,
      acknowledged: 'append',
    })
    await receiver.stop()
    const objects = await receiver.stored()
    assert.equal(
      objects.map(({ format, stretches }) => ({ format, stretches })),
      [{ format: 'combined', stretches: [{ source: 3, first: 10, count: 4, bytes: 2 * good.length + 7 }] }],
    )
    assert.equal(linesOf(objects), [good, '', 'bad', good])
  })
})

test('of many rejects the first hundred are named', async () => {
  await with_({}, async (receiver) => {
    const { body } = await receiver.send('x\n'.repeat(250))
    assert.is(body['rejected'], 250)
    assert.is((body['rejects'] as readonly unknown[]).length, 100)
  })
})

test('common and JSON lines become objects of their own format', async () => {
  await with_({}, async (receiver) => {
    const common = '192.0.2.7 - ann [17/May/2015:10:05:03 +0000] "GET /a HTTP/1.1" 200 5'
    const json = JSON.stringify({
      time_iso8601: '2015-05-17T10:05:03+00:00',
      remote_addr: '192.0.2.7',
      remote_user: '',
      request: 'GET / HTTP/1.1',
      status: '200',
      body_bytes_sent: '5',
    })
    assert.is((await receiver.send(common, { 'weir-format': 'common' })).body['accepted'], 1)
    assert.is((await receiver.send(json, { 'content-type': 'application/x-ndjson; charset=utf-8' })).body['accepted'], 1)
    await receiver.stop()
    assert.equal((await receiver.stored()).map(({ format }) => format).sort(), ['common', 'json'])
  })
})

test('a request that is sent twice, one after the other or at once, is stored once', async () => {
  await with_({}, async (receiver) => {
    const answers = await Promise.all(Array.from({ length: 8 }, () => receiver.send(`${good}\n${good}\n`, from(0))))
    answers.push(await receiver.send(`${good}\n${good}\n`, from(0)))
    assert.ok(answers.every(({ status }) => status === 202))
    assert.is(answers.filter(({ body }) => body['duplicate'] === false).length, 1)
    await receiver.stop()
    assert.is(linesOf(await receiver.stored()).length, 2)
  })
})

test('a range that was sent in part before is a conflict', async () => {
  await with_({}, async (receiver) => {
    await receiver.send(`${good}\n${good}\n`, from(0))
    const { status, body } = await receiver.send(`${good}\n${good}\n`, from(1))
    assert.is(status, 409)
    assert.match(String(body['detail']), 'records 1 to 2 of source 3')
  })
})

test('who names no identity gets one of the receiver: a source below zero, position after position', async () => {
  await with_({}, async (receiver) => {
    const first = await receiver.send(`${good}\n${good}\n`)
    const second = await receiver.send(`${good}\n`)
    assert.ok((first.body['source'] as number) < 0)
    assert.is(second.body['source'], first.body['source'])
    assert.is(second.body['first'], (first.body['first'] as number) + 2)
  })
})

test('a batch becomes an object with the records that fill it, requests of one source joined in order', async () => {
  await with_({ batchRecords: 4 }, async (receiver) => {
    for (const first of [2, 0, 4]) await receiver.send(`${good}\n${good}\n`, from(first))
    await receiver.stop()
    assert.equal(
      (await receiver.stored()).map(({ stretches }) => stretches.map(({ first, count }) => [first, count])),
      [[[0, 4]], [[4, 2]]],
    )
  })
})

test('acknowledged as an object means that the object is there', async () => {
  await with_({ acknowledgement: 'object', batchMs: 50 }, async (receiver) => {
    const { body } = await receiver.send(`${good}\n`)
    assert.is(body['acknowledged'], 'object')
    assert.is(linesOf(await receiver.stored()).length, 1)
  })
})

for (const encoding of ['gzip', 'zstd']) {
  test(`a body encoded as ${encoding} is unpacked, or refused with what is taken`, async () => {
    await with_({}, async (receiver) => {
      const zlib = (await import('node:zlib')) as { readonly zstdCompressSync?: (bytes: Buffer) => Buffer }
      const bytes = Buffer.from(`${good}\n`)
      const packed = encoding === 'gzip' ? gzipSync(bytes) : zlib.zstdCompressSync?.(bytes)
      const { status, headers, body } = await receiver.send(packed ?? bytes, { 'content-encoding': encoding })
      if (encodings.includes(encoding)) {
        assert.is(body['accepted'], 1)
        const torn = await receiver.send((packed ?? bytes).subarray(0, -12), { 'content-encoding': encoding })
        assert.is(torn.status, 400, JSON.stringify(torn.body))
        assert.is((await receiver.send('no such thing', { 'content-encoding': encoding })).status, 400)
      } else {
        assert.is(status, 415)
        assert.is(headers.get('accept-encoding'), encodings.join(', '))
      }
    })
  })
}

test('a body that unpacks to more than the limit is refused before it is unpacked', async () => {
  await with_({ unpackedBytes: 1_000_000 }, async (receiver) => {
    // A thousandth of what it unpacks to.
    const bomb = gzipSync(Buffer.alloc(400_000_000, '\n'))
    assert.ok(bomb.length < 500_000)
    const before = process.memoryUsage().arrayBuffers
    const { status, body } = await receiver.send(bomb, { 'content-encoding': 'gzip' })
    assert.is(status, 413)
    assert.match(String(body['detail']), 'more than 1000000 bytes once it is unpacked')
    assert.ok(process.memoryUsage().arrayBuffers - before < 50_000_000)
    assert.is((await receiver.send(`${good}\n`)).status, 202)
  })
})

test('a body that is larger than the limit is refused, whether it says so or not', async () => {
  await with_({ bodyBytes: 1000 }, async (receiver) => {
    assert.is((await receiver.send(`${good}\n`.repeat(100))).status, 413)
    const chunked = `POST /v1/lines HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n${`400\r\n${'x'.repeat(1024)}\r\n`.repeat(4)}`
    assert.match(await receiver.raw(chunked), /^HTTP\/1\.1 413/)
  })
})

test('what is wrong with a request is told as a problem', async () => {
  await with_({ bodyBytes: 5000 }, async (receiver) => {
    for (const [status, said, headers, body = `${good}\n`] of [
      [400, 'no line', {}, ''],
      [400, 'Weir-First', { 'weir-source': '1' }],
      [400, 'Weir-Source', { 'weir-source': '-1', 'weir-first': '0' }],
      [400, 'Weir-Source', { 'weir-source': '2147483648', 'weir-first': '0' }],
      [400, 'Weir-First', { 'weir-source': '1', 'weir-first': '1e3' }],
      [400, 'combined, common', { 'weir-format': 'json' }],
      [415, 'text/plain', { 'content-type': 'application/json' }],
      [415, 'gzip', { 'content-encoding': 'br' }],
    ] as const) {
      const answer = await receiver.send(body, headers)
      assert.is(answer.status, status, said)
      assert.is(answer.headers.get('content-type'), 'application/problem+json')
      assert.match(String(answer.body['detail']), said)
    }
    const got = await fetch(`${receiver.url}/v1/lines`)
    assert.is(got.status, 405)
    assert.is(got.headers.get('allow'), 'POST')
    assert.is((await fetch(`${receiver.url}/v2`)).status, 404)
  })
})

test('headers that are too large are refused', async () => {
  await with_({}, async (receiver) => {
    assert.match(await receiver.raw(`POST /v1/lines HTTP/1.1\r\nHost: a\r\nX-Large: ${'x'.repeat(20_000)}\r\n\r\n`), /^HTTP\/1\.1 431/)
  })
})

test('with a token, nothing but health, readiness and the document is there without it', async () => {
  await with_(
    {},
    async (receiver) => {
      for (const shown of [undefined, 'Bearer wrong', 'Basic c2VjcmV0', 'Bearer secrets'])
        assert.is((await receiver.send(`${good}\n`, shown === undefined ? {} : { authorization: shown })).status, 401)
      assert.is((await fetch(`${receiver.url}/metrics`)).status, 401)
      assert.is((await receiver.send(`${good}\n`, { authorization: 'Bearer secret' })).status, 202)
      for (const path of ['/health', '/ready', '/openapi.json']) assert.is((await fetch(receiver.url + path)).status, 200)
    },
    { token: 'secret' },
  )
})

test('an address that asks too often is told to wait, and health is still told', async () => {
  await with_({ requestsPerSecond: 5 }, async (receiver) => {
    const answers = await Promise.all(Array.from({ length: 30 }, () => receiver.send(`${good}\n`)))
    const refused = answers.filter(({ status }) => status === 429)
    assert.ok(refused.length >= 15, String(refused.length))
    assert.is(refused[0]?.headers.get('retry-after'), '1')
    assert.is(refused[0]?.headers.get('content-type'), 'application/problem+json')
    assert.is((await fetch(`${receiver.url}/health`)).status, 200)
  })
})

test('who guesses tokens, and who asks for what is not there, is told to wait, too', async () => {
  await with_(
    { requestsPerSecond: 5 },
    async (receiver) => {
      for (const path of ['/v1/lines', '/metrics', '/nowhere']) {
        const asked = Array.from({ length: 30 }, (_, i) =>
          fetch(`${receiver.url}${path}`, { method: path === '/v1/lines' ? 'POST' : 'GET', headers: { authorization: `Bearer ${i}` } }),
        )
        const statuses = (await Promise.all(asked)).map(({ status }) => status)
        assert.ok(statuses.filter((status) => status === 429).length >= 15, `${path}: ${statuses}`)
      }
    },
    { token: 'secret' },
  )
})

test('who sends too slowly is cut off: headers that do not end, a body that does not come, nothing at all', async () => {
  await with_({ arrivalMs: 300 }, async (receiver) => {
    const half = 'POST /v1/lines HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\n'
    const heard = await Promise.all([
      receiver.raw(half, 5_000),
      receiver.raw(`${half}Content-Length: 100\r\n\r\nabc`, 5_000),
      receiver.raw('P', 5_000),
      receiver.raw('', 5_000),
    ])
    assert.match(heard[0] ?? '', /^HTTP\/1\.1 408/)
    assert.match(heard[1] ?? '', /^HTTP\/1\.1 408/)
    assert.equal(heard.slice(2), ['', ''])
    assert.is((await receiver.send(`${good}\n`)).status, 202)
  })
})

test('a connection that ends before it has asked anything is let go at once', async () => {
  // Longer than a test file may take.
  await with_({ arrivalMs: 3_600_000 }, async (receiver) => {
    await new Promise<void>((done) => {
      const socket = connect({ port: Number(new URL(receiver.url).port), host: '127.0.0.1', allowHalfOpen: true })
      socket.on('error', () => undefined)
      socket.on('end', () => socket.destroy())
      socket.on('close', () => done())
      socket.resume().end()
    })
  })
})

test('lines cannot forge a record: what breaks a line is a line of its own, and control bytes stay within theirs', async () => {
  await with_({}, async (receiver) => {
    const escaped = '192.0.2.7 - ann [17/May/2015:10:05:03 +0000] "GET /a\\n192.0.2.9 HTTP/1.1" 200 5 "-" "\x1b[2J\r\x00x"'
    const { body } = await receiver.send(`${escaped}\n${good.replace('agent', 'a\nb')}\n`, from(0))
    assert.is(body['accepted'], 0)
    assert.is(body['rejected'], 3)
    assert.is(body['first'], 0)
    await receiver.stop()
    assert.equal(
      (await receiver.stored())[0]?.stretches.map(({ count }) => count),
      [3],
    )
  })
})

test('with a key, users and addresses lie in no file, and come back with it', async () => {
  const keys = parseKeys(`k1:${Buffer.alloc(32, 7).toString('base64')}`)
  await with_({ keys, acknowledgement: 'object', batchMs: 20 }, async (receiver) => {
    await receiver.send(`${good}\n`, from(0))
    const files = execFileSync('grep', ['-rlaE', '192\\.0\\.2\\.7|ann', receiver.objects, '--include=*'], { encoding: 'utf8' }).trim()
    assert.is(files, '')
    assert.equal(linesOf(await receiver.stored(keys)), [good])
  }).catch((error: { status?: number }) => {
    // grep's way to say that it has found nothing.
    if (error.status !== 1) throw error
  })
})

test('objects that cannot be stored are pushed back before memory is full, and nothing is lost when they can be again', async () => {
  await with_({ batchRecords: 10, mostHeldBytes: 20 * (good.length + 1) }, async (receiver) => {
    const away = `${receiver.objects}-away`
    renameSync(receiver.objects, away)
    const statuses: number[] = []
    let first = 0
    for (let i = 0; i < 10; i++) {
      const { status } = await receiver.send(`${good}\n`.repeat(5), from(first))
      statuses.push(status)
      if (status === 202) first += 5
    }
    assert.ok(statuses.includes(503), statuses.join())
    assert.ok(receiver.troubles.some((message) => message.includes(receiver.objects)))
    rmSync(receiver.objects, { recursive: true, force: true })
    renameSync(away, receiver.objects)
    while ((await receiver.send(`${good}\n`.repeat(5), from(first))).status !== 202) await pause(20)
    await receiver.stop()
    assert.is(linesOf(await receiver.stored()).length, first + 5)
  })
})

test('when it is stopped, what was taken is stored first', async () => {
  await with_({ acknowledgement: 'receipt' }, async (receiver) => {
    await Promise.all(Array.from({ length: 20 }, (_, i) => receiver.send(`${good}\n`, from(i))))
    await receiver.stop()
    assert.is(linesOf(await receiver.stored()).length, 20)
  })
})

test('HTTP/2 is spoken beside HTTP/1.1, with TLS and without', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'weir-tls-'))
  try {
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
    execFileSync(
      'openssl',
      [
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:P-256',
        '-nodes',
        '-days',
        '2',
        '-subj',
        '/CN=localhost',
        '-addext',
        'subjectAltName=IP:127.0.0.1',
        '-keyout',
        key,
        '-out',
        cert,
      ],
      { stdio: 'ignore' },
    )
    for (const tls of [undefined, { key: readFileSync(key), cert: readFileSync(cert) }]) {
      await with_({ tls }, async (receiver) => {
        const session = http2.connect(receiver.url, tls === undefined ? {} : { ca: tls.cert })
        const ask = (body: string, headers = {}) =>
          new Promise<{ status: unknown; text: string }>((done, fail) => {
            const stream = session.request({ ':method': 'POST', ':path': '/v1/lines', 'content-type': 'text/plain', ...headers })
            let status: unknown
            let said = ''
            stream.on('response', (answer) => {
              status = answer[':status']
            })
            stream.on('data', (data: Buffer) => {
              said += data.toString()
            })
            stream.on('end', () => done({ status, text: said }))
            stream.on('error', fail)
            stream.end(body)
          })
        const answers = await Promise.all([ask(`${good}\n`), ask(`${good}\n${good}\n`), ask('')])
        assert.equal(
          answers.map(({ status }) => status),
          [202, 202, 400],
        )
        assert.match(answers[2]?.text ?? '', 'no line')
        if (tls === undefined) assert.is((await receiver.send(`${good}\n`)).status, 202)
        session.close()
      })
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

test('over HTTP/2 a body that does not come to its end is let go with its answer, and its room with it', async () => {
  const line = `${good}\n`
  await with_({ arrivalMs: 300, mostHeldBytes: 10 * line.length }, async (receiver) => {
    const session = http2.connect(receiver.url)
    // Their own pace is what is tested: the session's idle time is not to end them.
    const keeping = setInterval(() => session.ping(() => undefined), 100)
    try {
      const ask = () => session.request({ ':method': 'POST', ':path': '/v1/lines', 'content-type': 'text/plain', 'content-length': '700' })
      const slow = ask()
      slow.on('error', () => undefined)
      slow.write(line)
      const ended = new Promise<unknown>((done) => slow.on('close', () => done(slow.rstCode)))
      const status = await new Promise<unknown>((done) => slow.on('response', (answer) => done(answer[':status'])))
      assert.is(status, 408)
      slow.resume()
      assert.is(await ended, http2.constants.NGHTTP2_NO_ERROR)
      assert.is((await receiver.send(line.repeat(5))).status, 202, 'there is room for more than was left by it')
    } finally {
      clearInterval(keeping)
      session.destroy()
    }
  })
})

test('bodies on their way take room: who finds none is told to come back, and what never came gives it back', async () => {
  const line = `${good}\n`
  await with_({ mostHeldBytes: 10 * line.length }, async (receiver) => {
    const socket = connect(Number(new URL(receiver.url).port), '127.0.0.1')
    socket.on('error', () => undefined)
    socket.write(`POST /v1/lines HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: ${6 * line.length}\r\n\r\n${line}`)
    let full = await receiver.send(line.repeat(5))
    while (full.status !== 503) full = await receiver.send(line.repeat(5), from(0))
    assert.is(full.headers.get('retry-after'), '1')
    socket.destroy()
    while ((await receiver.send(line.repeat(4), from(10))).status !== 202) await pause(10)
  })
})

test('a request that does not come to its end does not hold up the end', async () => {
  await with_({ arrivalMs: 600_000 }, async (receiver) => {
    const socket = connect(Number(new URL(receiver.url).port), '127.0.0.1')
    socket.on('error', () => undefined)
    const closed = new Promise((done) => socket.on('close', done))
    socket.write('POST /v1/lines HTTP/1.1\r\n')
    const session = http2.connect(receiver.url)
    session.on('error', () => undefined)
    const stream = session.request({ ':method': 'POST', ':path': '/v1/lines', 'content-type': 'text/plain' })
    stream.on('error', () => undefined)
    stream.write(`${good}\n`)
    await receiver.send(`${good}\n`)
    await receiver.stop()
    await closed
    session.destroy()
    assert.is(linesOf(await receiver.stored()).length, 1)
  })
})

test('who leaves in the middle is no trouble of the service, and no answer in its metrics', async () => {
  await with_({ acknowledgement: 'object' }, async (receiver) => {
    const metrics = async () => (await fetch(`${receiver.url}/metrics`)).text()
    const socket = connect(Number(new URL(receiver.url).port), '127.0.0.1')
    socket.on('error', () => undefined)
    socket.write(`POST /v1/lines HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: 1000\r\n\r\n${good}\n`)
    await pause(50)
    socket.destroy()
    while (!/weir_http_requests_aborted_total\S* 1/.test(await metrics())) await pause(10)
    const session = http2.connect(receiver.url)
    const stream = session.request({ ':method': 'POST', ':path': '/v1/lines', 'content-type': 'text/plain' })
    stream.on('error', () => undefined)
    stream.end(`${good}\n`)
    while (!/weir_receiver_held_records\S* 1/.test(await metrics())) await pause(10)
    const gone = new Promise((done) => stream.on('close', done))
    stream.close(http2.constants.NGHTTP2_CANCEL)
    await gone
    session.destroy()
    assert.is((await receiver.send('')).status, 400)
    assert.not.match(await metrics(), 'route="/v1/lines",status="200"')
    assert.equal(receiver.troubles, [])
  })
})

test('what is kept of small bodies of unknown length takes no more memory than they have', async () => {
  const space = { reserve: () => undefined, release: () => undefined }
  for (const sent of [gzipSync(`${good}\n`), Buffer.from(`${good}\n`)]) {
    const encoding = sent[0] === 0x1f ? 'gzip' : undefined
    const limits = { sentBytes: 1e6, unpackedBytes: 1e6 }
    const body = await readBody(Readable.from([sent]), { encoding, length: 0 }, limits, freshBuffers, space)
    assert.is(Buffer.from(body).toString(), `${good}\n`)
    assert.ok(body.buffer.byteLength <= 2 * body.length, `${body.buffer.byteLength} for ${body.length}`)
  }
})

test('Prometheus is told of records, objects and requests, and no caller can make a series', async () => {
  await with_({ batchRecords: 2 }, async (receiver) => {
    await receiver.send(`${good}\nbad\n`)
    await fetch(`${receiver.url}/no/such/path/${Date.now()}`)
    while (!/weir_receiver_objects_total\S* 1/.test(await (await fetch(`${receiver.url}/metrics`)).text())) await pause(10)
    const metrics = await (await fetch(`${receiver.url}/metrics`)).text()
    assert.match(metrics, /weir_receiver_records_total\{fate="accepted",service="receiver"\} 1/)
    assert.match(metrics, /weir_receiver_records_total\{fate="rejected",service="receiver"\} 1/)
    assert.match(metrics, /weir_http_request_seconds_count\{[^}]*route="\/v1\/lines",status="202"[^}]*\} 1/)
    assert.match(metrics, /route="none"/)
    assert.not.match(metrics, 'such')
  })
})

test.run()
