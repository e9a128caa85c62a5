/** Several receivers behind each balancer: one service to whoever sends, whoever of them dies. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request as requestHttp } from 'node:http'
import * as http2 from 'node:http2'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { parseKeys } from '../../../objects/keys.js'
import { openLines } from '../../../objects/line-object.js'
import type { ServicePart } from '../../service.js'
import { good } from '../receiver.testing.js'
import { defaultSettings, type ReceiverSettings } from '../server.js'
import { type Balancer, balancers } from './door.js'
import { missing, type ReceiversOptions, type RunningReceivers, startReceivers } from './start.js'

interface Fixture {
  readonly service: RunningReceivers
  readonly objects: string
  readonly troubles: readonly string[]
}

const count = 3

/** Runs with instances that are stopped and removed afterwards, whatever happens. */
async function with_(
  balancer: Balancer,
  settings: Partial<ReceiverSettings>,
  work: (fixture: Fixture) => Promise<void>,
  options: Partial<ReceiversOptions> = {},
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'weir-instances-test-'))
  const objects = join(folder, 'objects')
  const troubles: string[] = []
  const service = await startReceivers({
    settings: { ...defaultSettings, keys: undefined, tls: undefined, ...settings, objects },
    host: '127.0.0.1',
    port: 0,
    instances: count,
    balancer,
    onTrouble: (message) => void troubles.push(message),
    ...options,
  })
  try {
    await work({ service, objects, troubles })
  } finally {
    await service.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

interface Answer {
  readonly status: number
  readonly text: string
}

interface Asked {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly localAddress?: string
}

/** Over a connection of its own. @throws Error when the connection breaks, or nothing comes for five seconds */
function ask(url: string, path: string, body = '', { method = 'GET', headers = {}, localAddress }: Asked = {}): Promise<Answer> {
  return new Promise((done, fail) => {
    const from = localAddress === undefined ? {} : { localAddress }
    const asked = requestHttp(`${url}${path}`, { method, agent: false, headers, ...from }, (answer) => {
      let text = ''
      answer.on('data', (data: Buffer) => {
        text += data.toString()
      })
      answer.on('end', () => done({ status: answer.statusCode ?? 0, text }))
      answer.on('error', fail)
    })
    asked.setTimeout(5_000, () => asked.destroy(new Error('nothing came')))
    asked.on('error', fail)
    asked.end(body)
  })
}

function send(url: string, lines: string, headers: Readonly<Record<string, string>> = {}, localAddress?: string): Promise<Answer> {
  const asked = { method: 'POST', headers: { 'content-type': 'text/plain', ...headers } }
  return ask(url, '/v1/lines', lines, localAddress === undefined ? asked : { ...asked, localAddress })
}

const from = (first: number) => ({ 'weir-source': '5', 'weir-first': String(first) })

function namesIn(objects: string): readonly string[] {
  return readdirSync(objects)
    .filter((name) => !name.startsWith('.'))
    .sort()
}

/** Positions of all records in all objects, as often as they are there. */
function stored(objects: string): readonly number[] {
  return namesIn(objects).flatMap((name) =>
    openLines(readFileSync(join(objects, name)), undefined).stretches.flatMap(({ first, count: records }) =>
      Array.from({ length: records }, (_, i) => first + i),
    ),
  )
}

async function metric(url: string, name: RegExp): Promise<number> {
  const { text } = await ask(url, '/metrics')
  return Number(new RegExp(`^${name.source}\\S* (\\S+)$`, 'm').exec(text)?.[1] ?? Number.NaN)
}

const accepted = /weir_receiver_records_total\{fate="accepted"/
const running = /weir_receiver_instances/

/** @throws Error when it does not hold after half a minute */
async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 30_000
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`it never came about: ${holds}`)
    await pause(10)
  }
}

function lives({ pid }: ServicePart): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

const instancesOf = (service: RunningReceivers) => service.parts().filter(({ name }) => name.startsWith('instance-'))

for (const balancer of balancers) {
  const remedy = missing(balancer)
  const check = (what: string, work: () => Promise<void>) => {
    if (remedy === undefined) test(`${balancer}: ${what}`, work)
    else test.skip(`${balancer}: ${what} (needs ${remedy})`, () => undefined)
  }

  check('connections reach every instance, and metrics are those of all', async () => {
    await with_(balancer, {}, async ({ service, objects }) => {
      const { url } = service
      const answers = await Promise.all(Array.from({ length: 30 }, (_, i) => send(url, `${good}\nbad\n`, from(2 * i))))
      assert.ok(answers.every(({ status }) => status === 202))
      for (const path of ['/health', '/ready']) assert.is((await ask(url, path)).status, 200)
      assert.is(await metric(url, accepted), 30)
      assert.is(await metric(url, /weir_receiver_held_records/), 60)
      assert.is(await metric(url, running), count)
      assert.equal(
        instancesOf(service).map(({ name }) => name),
        ['instance-1', 'instance-2', 'instance-3'],
      )
      await service.close()
      // The middle of a name is the receiver's own.
      assert.is(new Set(namesIn(objects).map((name) => name.split('-')[1])).size, count)
      assert.is(new Set(stored(objects)).size, 60)
    })
  })

  check('token, limits and what is no HTTP are dealt with as by one', async () => {
    const wide = { bodyBytes: 1000, arrivalMs: 300 }
    await with_(
      balancer,
      wide,
      async ({ service: { url } }) => {
        const known = { authorization: 'Bearer secret' }
        assert.is((await send(url, `${good}\n`)).status, 401)
        assert.is((await ask(url, '/metrics')).status, 401)
        assert.is((await ask(url, '/health')).status, 200)
        assert.is((await ask(url, '/metrics', '', { headers: known })).status, 200)
        assert.is((await send(url, `${good}\n`, known)).status, 202)
        assert.is((await send(url, `${good}\n`.repeat(50), known)).status, 413)
        const [garbage, half, silent] = await Promise.all([raw(url, 'no HTTP\r\n\r\n'), raw(url, 'POST / HTTP/1.1\r\n'), raw(url, '')])
        assert.match(garbage ?? '', /^HTTP\/1\.1 400/)
        assert.match(half ?? '', /^HTTP\/1\.1 408/)
        assert.is(silent, '')
      },
      { token: 'secret' },
    )
  })

  check('requests of an address are counted over all instances, and each address for itself', async () => {
    const most = 5
    await with_(balancer, { requestsPerSecond: most }, async ({ service: { url } }) => {
      const begin = performance.now()
      const flood = Array.from({ length: 60 }, () => send(url, `${good}\n`))
      const other = send(url, `${good}\n`, {}, '127.0.0.2')
      const statuses = (await Promise.all(flood)).map(({ status }) => status)
      const spans = Math.ceil((performance.now() - begin) / 1000) + 1
      assert.is((await other).status, 202)
      const taken = statuses.filter((status) => status === 202).length
      assert.ok(taken >= most && taken <= spans * most, `${taken} in ${spans} spans`)
      assert.ok(statuses.every((status) => status === 202 || status === 429))
      assert.is((await ask(url, '/health')).status, 200)
    })
  })

  check('HTTP/2 is spoken beside HTTP/1.1, with TLS and without', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'weir-tls-'))
    try {
      const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
      execFileSync(
        'sh',
        [
          '-c',
          'openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 -keyout "$0" -out "$1"',
          key,
          cert,
        ],
        { stdio: 'ignore' },
      )
      for (const tls of [undefined, { key: readFileSync(key), cert: readFileSync(cert) }]) {
        const keys = parseKeys(`k1:${Buffer.alloc(32, 7).toString('base64')}`)
        await with_(balancer, { tls, keys, requestsPerSecond: 100 }, async ({ service, objects }) => {
          const session = http2.connect(service.url, tls === undefined ? {} : { ca: tls.cert })
          const statuses = await Promise.all([`${good}\n`, `${good}\n${good}\n`, ''].map((body) => post2(session, body)))
          assert.equal(statuses, [202, 202, 400])
          session.close()
          if (tls === undefined) assert.is((await send(service.url, `${good}\n`)).status, 202)
          await service.close()
          const [name = ''] = namesIn(objects)
          assert.match(Buffer.from(openLines(readFileSync(join(objects, name)), keys).lines).toString(), good)
        })
      }
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })

  check('an instance that is killed under load loses nothing that it acknowledged, and is replaced', async () => {
    await with_(balancer, { batchRecords: 40 }, async ({ service, objects, troubles }) => {
      const { url } = service
      const total = 600
      let [next, acknowledged, failed] = [0, 0, 0]
      const firstTry = new Set<number>()
      const victim = instancesOf(service)[1]
      const sender = async () => {
        while (next < total) {
          const position = next++
          for (let tried = 0; ; tried++) {
            const answer = await send(url, `${good}\n`, from(position)).catch(() => undefined)
            if (answer?.status === 202) {
              if (tried === 0) firstTry.add(position)
              break
            }
            failed++
            // As who sends would: the same range again, a little later.
            await pause(5)
          }
          if (++acknowledged === 150) await victim?.kill()
        }
      }
      await Promise.all(Array.from({ length: 12 }, sender))
      await until(() => instancesOf(service).length === count)
      const replacement = instancesOf(service)[1]
      assert.is(replacement?.name, victim?.name)
      assert.is.not(replacement?.pid, victim?.pid)
      assert.ok(
        troubles.some((message) => /^instance-2 ended by SIGKILL, and is started again/.test(message)),
        troubles.join('\n'),
      )
      // The others went on: nobody waits for the replacement.
      assert.ok(failed < total, `${failed} requests failed`)
      await service.close()
      const there = new Set(stored(objects))
      assert.equal(
        [...firstTry].filter((position) => !there.has(position)),
        [],
        'acknowledged and lost',
      )
      assert.is(there.size, total)
      assert.equal(readdirSync(join(objects, '.journals')), [])
    })
  })

  check('what a killed instance had acknowledged becomes an object while the others run', async () => {
    await with_(balancer, { batchMs: 600_000 }, async ({ service, objects }) => {
      const { url } = service
      for (let i = 0; i < 12; i++) assert.is((await send(url, `${good}\n`, from(i))).status, 202)
      const before = await metric(url, accepted)
      assert.is(before, 12)
      await instancesOf(service)[0]?.kill()
      await until(() => namesIn(objects).length > 0)
      await until(async () => (await metric(url, running).catch(() => 0)) === count)
      // No rate jumps because one begins at nothing again.
      assert.is(await metric(url, accepted), before)
      assert.ok(stored(objects).length < 12, 'what the others hold is no object yet')
    })
  })

  check('when it is stopped, requests under way are answered, and no process, port or folder is left', async () => {
    await with_(balancer, { acknowledgement: 'object', batchMs: 600_000 }, async ({ service, objects }) => {
      const { url } = service
      const waiting = Array.from({ length: 9 }, (_, i) => send(url, `${good}\n`, from(i)))
      await until(async () => (await metric(url, /weir_receiver_held_records/)) === 9)
      const parts = service.parts()
      await service.close()
      assert.equal(
        (await Promise.all(waiting)).map(({ status }) => status),
        Array.from({ length: 9 }, () => 202),
      )
      assert.is(stored(objects).length, 9)
      assert.equal(parts.filter(lives), [])
      assert.is(await refused(url), 'ECONNREFUSED')
      assert.equal(balancerFolders(), [])
      assert.equal(readdirSync(join(objects, '.journals')), [])
    })
  })

  if (balancer === 'cluster') continue
  check('is started again on the same port when it dies', async () => {
    await with_(balancer, {}, async ({ service, troubles }) => {
      const old = service.parts().find(({ name }) => name === balancer)
      await old?.kill()
      await until(() => service.parts().some(({ name, pid }) => name === balancer && pid !== old?.pid))
      assert.is((await send(service.url, `${good}\n`)).status, 202)
      assert.ok(troubles.includes(`${balancer} ended, and is started again`), troubles.join('\n'))
    })
  })
}

test('what cannot be started is told with its reason, and nothing is left', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'weir-instances-test-'))
  try {
    writeFileSync(join(folder, 'file'), '')
    const settings = { ...defaultSettings, keys: undefined, tls: undefined, objects: join(folder, 'file', 'objects') }
    for (const balancer of balancers.filter((name) => missing(name) === undefined)) {
      const error = await startReceivers({ settings, host: '127.0.0.1', port: 0, instances: 2, balancer, token: undefined }).catch(String)
      assert.match(error as string, /^Error: instance-\d of the receiver could not start: the objects cannot be kept in /)
    }
    assert.equal(balancerFolders(), [])
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

/** Of this process's balancers. */
function balancerFolders(): readonly string[] {
  return readdirSync(tmpdir()).filter((name) => name.startsWith(`weir-balancer-${process.pid}-`))
}

/** Sends bytes as they are; resolves with what came until the connection was closed. */
function raw(url: string, bytes: string): Promise<string> {
  return new Promise((done) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    let heard = ''
    socket.on('data', (data) => {
      heard += data.toString('latin1')
    })
    socket.on('error', () => undefined)
    socket.on('close', () => done(heard))
    if (bytes !== '') socket.write(bytes)
  })
}

function refused(url: string): Promise<string | undefined> {
  return ask(url, '/health').then(
    () => undefined,
    (error: NodeJS.ErrnoException) => error.code,
  )
}

function post2(session: http2.ClientHttp2Session, body: string): Promise<unknown> {
  return new Promise((done, fail) => {
    const stream = session.request({ ':method': 'POST', ':path': '/v1/lines', 'content-type': 'text/plain' })
    let status: unknown
    stream.on('response', (answer) => {
      status = answer[':status']
    })
    stream.resume()
    stream.on('end', () => done(status))
    stream.on('error', fail)
    stream.end(body)
  })
}

test.run()
