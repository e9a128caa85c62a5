/** weir serve receiver as its users start it: killed under load it loses nothing that it acknowledged, and told to stop it stores all. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { openObjects } from '../objects/index.js'
import { openLines } from '../objects/line-object.js'
import { onS3 } from '../objects/s3.testing.js'
import { main, weir } from './weir.js'

let folder: string
test.before.each(() => {
  folder = mkdtempSync(join(tmpdir(), 'weir-receiver-test-'))
})
test.after.each(() => rmSync(folder, { recursive: true, force: true }))

interface Started {
  readonly child: ChildProcess
  readonly url: string
  readonly ended: Promise<number | null>
}

function serve(...words: readonly string[]): Promise<Started> {
  return serveOn(join(folder, 'objects'), ...words)
}

async function serveOn(place: string, ...words: readonly string[]): Promise<Started> {
  const child = spawn(process.execPath, [main, 'serve', 'receiver', '--objects', place, ...words], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('WEIR_'))),
  })
  const ended = new Promise<number | null>((done) => child.once('close', done))
  if (child.stdout === null) throw new Error('it has no stdout')
  const url = await new Promise<string>((done, fail) => {
    createInterface({ input: child.stdout as never }).once('line', done)
    ended.then((status) => fail(new Error(`it ended with status ${status}`)))
  })
  return { child, url, ended }
}

const line = (position: number) => `192.0.2.7 - - [17/May/2015:10:05:03 +0000] "GET /${position} HTTP/1.1" 200 5 "-" "agent"\n`

/** Positions of the lines in all objects, in order. */
async function stored(place = join(folder, 'objects')): Promise<readonly number[]> {
  const objects = await openObjects({ place })
  try {
    const all = await Promise.all((await objects.list('', 10_000)).map((name) => objects.get(name)))
    return all
      .flatMap((bytes) => Buffer.from(openLines(bytes, undefined).lines).toString().split('\n').slice(0, -1))
      .map((text) => Number(/GET \/(\d+)/.exec(text)?.[1]))
      .sort((a, b) => a - b)
  } finally {
    await objects.close()
  }
}

async function post(url: string, position: number): Promise<number> {
  const answer = await fetch(`${url}/v1/lines`, {
    method: 'POST',
    body: line(position),
    headers: { 'content-type': 'text/plain', 'weir-source': '5', 'weir-first': String(position) },
  })
  await answer.arrayBuffer()
  return answer.status
}

test('killed under load, it has what it acknowledged; sent again to the next one, everything is there once', async () => {
  const requests = 200
  const acknowledged = new Set<number>()
  const send = async (url: string, position: number) => {
    if ((await post(url, position)) === 202) acknowledged.add(position)
  }
  const first = await serve('--batch-records', '30')
  await Promise.all(
    Array.from({ length: requests }, async (_, position) => {
      await send(first.url, position).catch(() => undefined)
      if (acknowledged.size === 100) first.child.kill('SIGKILL')
    }),
  )
  await first.ended
  assert.ok(acknowledged.size >= 100)
  const before = [...acknowledged]
  const second = await serve('--batch-records', '30')
  for (let position = 0; position < requests; position++) if (!acknowledged.has(position)) await send(second.url, position)
  second.child.kill('SIGTERM')
  assert.is(await second.ended, 130)
  const there = new Set(await stored())
  assert.equal(
    before.filter((position) => !there.has(position)),
    [],
    'acknowledged and lost',
  )
  assert.is(there.size, requests)
  assert.equal(readdirSync(join(folder, 'objects', '.journals')), [], 'no journal is left')
})

onS3('with objects in S3, the server there killed and then the receiver, the next one stores what was acknowledged', async (server) => {
  const place = server.place()
  const journals = join(folder, 'journals')
  const first = await serveOn(place, '--journals', journals, '--batch-records', '10')
  for (let position = 0; position < 15; position++) assert.is(await post(first.url, position), 202)
  await server.kill()
  for (let position = 15; position < 35; position++) assert.is(await post(first.url, position), 202)
  first.child.kill('SIGKILL')
  await first.ended
  await server.again()
  const second = await serveOn(place, '--journals', journals, '--batch-records', '10')
  assert.is(await post(second.url, 35), 202)
  second.child.kill('SIGTERM')
  assert.is(await second.ended, 130)
  assert.equal(
    await stored(place),
    Array.from({ length: 36 }, (_, position) => position),
  )
  assert.equal(readdirSync(journals), [], 'no journal is left')
})

test('an S3 that cannot be reached is an error with what to do, and no credentials stand in it', () => {
  const { status, stderr } = weir(['serve', 'receiver', '--objects', 's3://logs?endpoint=http://127.0.0.1:1', '--ack', 'object'], {
    environment: { AWS_ACCESS_KEY_ID: 'access-of-a-test', AWS_SECRET_ACCESS_KEY: 'secret-of-a-test' },
  })
  assert.is(status, 1, stderr)
  assert.match(stderr, 's3://logs/ at http://127.0.0.1:1: ECONNREFUSED')
  assert.not.match(stderr, 'of-a-test')
})

test('what cannot be is refused with what to do, and nothing is left', async () => {
  for (const [words, said] of [
    [[], '--objects DIR'],
    [['--objects', folder, '--tls-key', 'key.pem'], '--tls-cert and --tls-key go together'],
    [['--objects', folder, '--keys', 'k1:short'], 'openssl rand -base64 32'],
    [['--objects', folder, '--schema', 'weir_run'], '--schema is not for this service'],
    [['--objects', folder, '--ack', 'maybe'], 'receipt, append'],
    [['--objects', folder, '--held-bytes', '1MB'], 'turned away for ever'],
    [['--objects', folder, '--batch-time', '60000m'], 'at most 596h'],
    [['--objects', 's3://logs'], '--journals DIR'],
    [['--objects', 's3://who:hush@logs'], 'no credentials belong in a URL'],
    [['--objects', 'gs://logs'], 's3://bucket/prefix'],
  ] as const) {
    const { status, stderr } = weir(['serve', 'receiver', ...words])
    assert.is(status, 2, stderr)
    assert.match(stderr, said)
    assert.not.match(stderr, 'hush')
  }
  const { status, stdout } = weir(['serve', 'receiver', '--openapi'])
  assert.is(status, 0)
  assert.ok(Object.keys((JSON.parse(stdout) as { paths: object }).paths).includes('/v1/lines'))
})

test.run()
