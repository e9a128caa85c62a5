/** weir serve receiver and weir serve processor as their users start them, two of each, one of each killed: every record is a row, once. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { openSource } from '../generators/open.js'
import { audit } from '../replay/audit.js'
import { Ledger } from '../replay/ledger.js'
import { openStore, startServer } from '../stores/index.js'
import type { StoreServer } from '../stores/store.js'
import { alive } from '../targets/conformance/until.js'
import { main, weir } from './weir.js'

let folder: string
let server: StoreServer
const started: ChildProcess[] = []
test.before(async () => {
  server = await startServer({ store: 'postgres', durability: 'process' })
})
test.after(() => server.close())
test.before.each(() => {
  folder = mkdtempSync(join(tmpdir(), 'weir-processor-test-'))
})
test.after.each(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

interface Started {
  readonly child: ChildProcess
  readonly url: string
  readonly ended: Promise<number | null>
}

async function serve(service: string, ...words: readonly string[]): Promise<Started> {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('WEIR_')))
  const child = spawn(process.execPath, [main, 'serve', service, '--objects', join(folder, 'objects'), ...words], {
    stdio: ['ignore', 'pipe', 'inherit'],
    // Where ps does not show the password in it.
    env: service === 'processor' ? { ...env, WEIR_STORE: server.url } : env,
  })
  started.push(child)
  const ended = new Promise<number | null>((done) => child.once('close', done))
  const url = await new Promise<string>((done, fail) => {
    createInterface({ input: child.stdout as never }).once('line', done)
    ended.then((status) => fail(new Error(`${service} ended with status ${status}`)))
  })
  return { child, url, ended }
}

async function stop({ child, ended }: Started): Promise<void> {
  child.kill('SIGTERM')
  assert.is(await ended, 130)
}

test('a receiver and a processor killed under load: the audit finds every record that was acknowledged, once', async () => {
  const [requests, lines] = [120, 250]
  const spec = { kind: 'stream', source: 7, profile: 'web', seed: '5', format: 'combined', startMs: Date.UTC(2026, 0, 31, 23, 59) } as const
  const source = openSource({ ...spec, recordsPerDay: 100_000_000 })
  const schema = 'weir_processor_test'
  const receivers = [await serve('receiver', '--batch-records', '1000'), await serve('receiver', '--batch-records', '1000')]
  const processors = [
    await serve('processor', '--schema', schema, '--lease', '300ms', '--poll', '20ms'),
    await serve('processor', '--schema', schema, '--lease', '300ms', '--poll', '20ms'),
  ]
  let acknowledged = 0
  const cursor = await source.open(0)
  const bodies: { readonly first: number; readonly lines: Uint8Array }[] = []
  for (let request = 0; request < requests; request++) {
    const first = cursor.position
    bodies.push({ first, lines: Uint8Array.from((await cursor.next(lines))?.lines ?? []) })
  }
  await cursor.close()
  await Promise.all(
    bodies.map(async ({ first, lines }, request) => {
      // Until one of them has taken it: which may then lie with two of them.
      for (let turn = request; ; turn++) {
        const answer = await fetch(`${receivers[turn % receivers.length]?.url}/v1/lines`, {
          method: 'POST',
          body: lines,
          headers: { 'content-type': 'text/plain', 'weir-source': '7', 'weir-first': String(first) },
        }).catch(() => undefined)
        await answer?.arrayBuffer().catch(() => undefined)
        if (answer?.status === 202) break
        await pause(20)
      }
      acknowledged++
      if (acknowledged === 40) receivers[0]?.child.kill('SIGKILL')
      if (acknowledged === 60) processors[0]?.child.kill('SIGKILL')
    }),
  )
  // What the dead receiver has in its write-ahead log is the next one's to store.
  const heir = await serve('receiver')
  for (const receiver of [heir, receivers[1]]) if (receiver !== undefined) await stop(receiver)
  const store = await openStore({
    store: server.store,
    url: server.url,
    schema,
    layout: { partitionKey: 'id', partitions: 4 },
    format: 'combined',
  })
  try {
    const objects = readdirSync(join(folder, 'objects')).filter((name) => !name.startsWith('.'))
    const done = async () => (await store.logfiles?.registered(0, 1000))?.filter((file) => file.done).length ?? 0
    while ((await done()) < objects.length) await pause(20)
    const ledger = new Ledger(7, 0)
    ledger.offer(requests * lines)
    const { scanner } = store
    if (scanner === undefined) throw new Error('Postgres can be read')
    ledger.settle({ source: 7, first: 0, count: requests * lines, fate: 'failed' })
    const report = await audit({ scanner, source, fates: ledger.fates(), layout: store.address.layout, format: 'combined' })
    const { stored, rejected, duplicated, corrupted, misplaced, unexpected } = report.audit
    assert.is(stored + rejected, requests * lines, JSON.stringify(report.findings.slice(0, 3)))
    assert.equal([duplicated, corrupted, misplaced, unexpected], [0, 0, 0, 0], JSON.stringify(report.findings.slice(0, 3)))
  } finally {
    await store.close()
  }
  await stop(processors[1] as Started)
  assert.not(started.some(({ pid }) => pid !== undefined && alive(pid)))
})

test('what cannot be is refused with what to do, and nothing is left', () => {
  for (const [words, said] of [
    [['--data', folder], '--objects DIR'],
    [['--objects', folder], '--data DIR'],
    [['--objects', folder, '--store', 'null'], 'the null store keeps nothing'],
    [['--objects', folder, '--data', folder, '--ack', 'object'], '--ack is not for this service'],
    [['--objects', folder, '--data', folder, '--schema', 'mine'], 'weir_mine'],
  ] as const) {
    const { status, stderr } = weir(['serve', 'processor', ...words])
    assert.is(status, 2, stderr)
    assert.match(stderr, said)
  }
  assert.equal(readdirSync(folder), [])
  const { status, stdout } = weir(['serve', 'processor', '--openapi'])
  assert.is(status, 0)
  assert.ok(Object.keys((JSON.parse(stdout) as { paths: object }).paths).includes('/ready'))
})

test.run()
