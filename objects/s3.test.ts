/** Objects in S3 when something is wrong: every operation ends in time, says what was wrong and where, and tells no secret. */
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, connect, createServer, type Server } from 'node:net'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { openObjects } from './index.js'
import type { Objects } from './objects.js'
import { openS3 } from './s3.js'
import { credentials, onS3 } from './s3.testing.js'
import { explain } from './s3-errors.js'
import { parseS3Place } from './s3-place.js'

const patienceMs = 600

async function failure(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => new Error('it went well'),
    (reason: Error) => reason,
  )
  // All that a debugger would show.
  for (const secret of Object.values(credentials)) assert.not.match(`${error.stack}${String(error.cause)}`, secret)
  return error.message
}

async function with_(place: string, work: (objects: Objects) => Promise<void>): Promise<void> {
  const objects = await openS3({ ...parseS3Place(place), patienceMs })
  try {
    await work(objects)
  } finally {
    await objects.close()
  }
}

async function listening<T extends Server>(server: T, work: (endpoint: string) => Promise<void>): Promise<void> {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  try {
    await work(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  } finally {
    server.close()
  }
}

onS3('a server that stops answering ends every operation in time, and takes up again when it answers', async (server) => {
  await with_(server.place(), async (objects) => {
    await objects.put('a', [Buffer.from('1')])
    server.freeze()
    try {
      for (const work of [
        () => objects.put('b', [Buffer.alloc(50_000)]),
        () => objects.get('a'),
        () => objects.list('', 1),
        () => objects.remove('a'),
      ]) {
        assert.match(await failure(work()), `${server.endpoint}: it does not answer; is it up`)
      }
      assert.match(await failure(openS3({ ...parseS3Place(server.place()), patienceMs })), 'it does not answer')
    } finally {
      server.thaw()
    }
    // What was asked and not answered may come to be.
    await objects.put('b', [Buffer.alloc(50_000)])
    assert.is((await objects.get('b')).length, 50_000)
  })
})

onS3('a server that is gone is told of by its address, and what it had is there when it is back', async (server) => {
  await with_(server.place(), async (objects) => {
    await objects.put('a', [Buffer.from('1')])
    await server.kill()
    try {
      assert.match(await failure(objects.put('b', [])), `the object b could not be written to s3://`)
      assert.match(await failure(objects.get('a')), `${server.endpoint}: ECONNREFUSED`)
      assert.match(await failure(openObjects({ place: server.place() })), 'is the endpoint right, and is it up?')
    } finally {
      await server.again()
    }
    assert.equal(await objects.list('', 10), ['a'])
    await objects.put('b', [])
  })
})

onS3('bytes that change on their way to the server are refused, and nothing of them is kept', async (server) => {
  const spoil = createServer((socket) => {
    const onward = connect(server.port, '127.0.0.1')
    socket.on('data', (data) => void onward.write(Buffer.from(data.toString('latin1').replace('untouched', 'UNtouched'), 'latin1')))
    onward.pipe(socket)
    for (const one of [socket, onward]) one.on('error', () => [socket, onward].map((each) => each.destroy()))
    socket.on('close', () => onward.destroy())
  })
  await listening(spoil, (endpoint) =>
    with_(server.placeOf('spoilt', endpoint), async (objects) => {
      assert.match(await failure(objects.put('a', [Buffer.from('untouched by anybody')])), 'what arrived is not what was sent')
      assert.equal(await objects.list('', 10), [])
      await objects.put('b', [Buffer.from('something else')])
    }),
  )
})

onS3('bytes that changed where they lie are not handed out', async (server) => {
  await with_(server.placeOf('rotten'), async (objects) => {
    await objects.put('a', [Buffer.from('as it was')])
    const file = server.fileOf('rotten/a')
    writeFileSync(file, readFileSync(file, 'latin1').replace('was', 'WAS'))
    assert.match(await failure(objects.get('a')), 'what came is not what was stored')
  })
})

onS3('other things in the bucket are none of the objects', async (server) => {
  await with_(server.placeOf(''), async (objects) => {
    writeFileSync(server.fileOf('README.txt'), 'hello')
    await objects.put('0', [])
    const listed = await objects.list('', 100)
    assert.equal([listed.includes('0'), listed.includes('README.txt')], [true, false])
  })
})

onS3('a wrong bucket, a wrong secret and no credentials are refused when it is opened, with what to do', async (server) => {
  assert.match(await failure(openObjects({ place: `s3://absent?endpoint=${server.endpoint}` })), 'there is no such bucket; make it')
  const right = { ...process.env }
  try {
    process.env['AWS_SECRET_ACCESS_KEY'] = 'another-secret'
    const said = await failure(openObjects({ place: server.place() }))
    assert.match(said, 'the secret key is not the right one; look at AWS_SECRET_ACCESS_KEY')
    process.env['AWS_ACCESS_KEY_ID'] = 'another-access'
    // This server has a name of its own for it.
    assert.match(await failure(openObjects({ place: server.place() })), 'No user exists with the provided access key ID')
    delete process.env['AWS_ACCESS_KEY_ID']
    assert.match(await failure(openObjects({ place: server.place() })), 'there are no credentials; set AWS_ACCESS_KEY_ID')
  } finally {
    Object.assign(process.env, right)
  }
})

test('what is no S3 server, and a region that nobody knows, are told of as such', async () => {
  for (const page of ['<html><p>Welcome</html>', '<html></html>', 'hello', '{}']) {
    await listening(
      createHttpServer((_, response) => response.end(page)),
      async (endpoint) => {
        assert.match(await failure(openObjects({ place: `s3://bucket?endpoint=${endpoint}` })), /is this an endpoint of S3\?/, page)
      },
    )
  }
  assert.match(await failure(openObjects({ place: 's3://bucket' })), 'no region is known; name it with region=')
})

test('a server that calls a name taken and has nothing there is believed in the first', async () => {
  const torn = createHttpServer(({ method, url = '' }, response) => {
    const list = '<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>'
    const [status, said] = url.includes('list-type')
      ? [200, list]
      : method === 'PUT'
        ? [412, '']
        : [404, '<Error><Code>NoSuchKey</Code></Error>']
    response.writeHead(status).end(said)
  })
  await listening(torn, (endpoint) =>
    with_(`s3://bucket?endpoint=${endpoint}`, async (objects) => {
      assert.match(await failure(objects.put('a', [Buffer.from('1')])), 'another object has the name a')
      assert.match(await failure(objects.get('a')), 'there is no object a')
    }),
  )
})

test('what Amazon calls its errors is told with what to do', () => {
  for (const [name, said] of [
    ['InvalidAccessKeyId', 'look at AWS_ACCESS_KEY_ID'],
    ['AccessDenied', 's3:PutObject'],
    ['PermanentRedirect', 'name it with region='],
    ['ExpiredToken', 'get new ones'],
    ['InternalError', 'InternalError (HTTP 500) as it says; try again later'],
  ] as const) {
    const error = Object.assign(new Error('as it says'), { name, $metadata: { httpStatusCode: 500 } })
    assert.match(explain(error, []), said)
  }
})

test('secrets that a server repeats are not passed on', () => {
  const error = Object.assign(new Error('the key s3cr3t-s3cr3t of user AKIA7777 is a'), { name: 'Odd', $metadata: { httpStatusCode: 400 } })
  assert.is(explain(error, ['AKIA7777', 's3cr3t-s3cr3t', 'a', '']), 'Odd (HTTP 400) the key *** of user *** is a; the server refuses this')
})

test('a URL names a bucket, a prefix, an endpoint and a region', () => {
  assert.equal(parseS3Place('s3://logs'), { bucket: 'logs', prefix: '', endpoint: undefined, region: undefined })
  assert.equal(parseS3Place('s3://logs/a/b=1/?endpoint=https://[::1]:9000/s3/&region=eu-central-1'), {
    bucket: 'logs',
    prefix: 'a/b=1/',
    endpoint: 'https://[::1]:9000/s3',
    region: 'eu-central-1',
  })
})

test('a URL that is wrong is refused with what is right; what could be a secret is not repeated', () => {
  for (const [place, said] of [
    ['s3://who:hush@logs/a', 'no credentials belong in a URL'],
    ['s3://hush@logs/a', 'no credentials belong in a URL'],
    ['s3://logs?endpoint=http://who:hush@127.0.0.1', 'no credentials belong in a URL'],
    ['s3://logs?secretAccessKey=hush', 'no credentials belong in a URL'],
    ['s3://logs?hush', 'endpoint= and region=, and nothing else'],
    ['s3://logs#hush', 'endpoint= and region=, and nothing else'],
    ['s3://logs:9000/a', 'without a port'],
    ['s3://Logs/a', 'the name of a bucket'],
    ['s3:///a', 'the name of a bucket'],
    ['s3://logs/a b', 'a prefix is of letters'],
    ['s3://logs/a//b', 'a prefix is of letters'],
    ['s3://logs?endpoint=127.0.0.1:9000', 'endpoint= is a URL of http'],
    ['s3://logs?endpoint=ftp://127.0.0.1', 'endpoint= is a URL of http'],
    ['s3://logs?region=eu_1', 'region= is a name'],
    ['gs://hush', 'a folder or in S3'],
  ] as const) {
    assert.throws(
      () => parseS3Place(place),
      (error: Error) => error.message.includes(said) && !error.message.includes('hush'),
      place,
    )
  }
})

test.run()
