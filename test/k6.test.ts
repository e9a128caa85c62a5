/** weir k6 as a user starts it: every script for a moment with a clean audit, thresholds, what is missing, a loss that was planted, Ctrl-C. */
import { type ChildProcess, spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, unlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Result, Run } from '../results/result.js'
import { isInstalled } from '../stores/clickhouse/embedded.js'
import { startServer } from '../stores/index.js'
import type { StoreServer } from '../stores/store.js'
import { main, weir, weirUntil } from './weir.js'

/** The k6 that was built with the extension: WEIR_TEST_K6, or dist/k6. */
const ownK6 = fileURLToPath(new URL('../k6', import.meta.url))
const givenK6 = process.env['WEIR_TEST_K6'] ?? (existsSync(ownK6) ? ownK6 : undefined)
const schema = JSON.parse(readFileSync(fileURLToPath(new URL('../../docs/result.schema.json', import.meta.url)), 'utf8')) as object
const validate = new Ajv2020({ strict: false, validateFormats: false }).compile(schema)

let server: StoreServer
let folder: string

test.before(async () => {
  server = await startServer({ store: 'postgres', durability: 'process' })
  folder = mkdtempSync(join(tmpdir(), 'weir-k6-test-'))
})

test.after(async () => {
  await server?.close()
  rmSync(folder, { recursive: true, force: true })
})

/** A k6 as it is published. */
const stockK6 = process.env['WEIR_TEST_STOCK_K6']

function checkStock(name: string, body: () => void): void {
  if (stockK6 !== undefined) test(name, body)
  else test.skip(`${name} (needs WEIR_TEST_STOCK_K6)`, () => undefined)
}

/** Needs k6 with the extension, and perhaps something else. */
function check(name: string, body: () => void | Promise<void>, needs?: string): void {
  const missing = [givenK6 === undefined ? 'dist/k6 or WEIR_TEST_K6' : undefined, needs].filter((need) => need !== undefined)
  if (missing.length === 0) test(name, body)
  else test.skip(`${name} (needs ${missing.join(', ')})`, () => undefined)
}

/** A busy machine may be slow: what is late is still right, and there are connections for all requests of a test at once. */
const usual = { duration: '2s', connections: '100', p99: 'none' }
const flags = (settings: Readonly<Record<string, string>>) => Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value])
const moment = flags(usual)
/** Lines that are objects soon. */
const linesWith = (others: Readonly<Record<string, string>>) =>
  flags({ ...usual, rate: '200', lines: '10', 'batch-time': '300ms', ...others })
const lines = linesWith({})

function k6(words: readonly string[], store = server.url, binary = givenK6) {
  const { status, stdout, stderr } = weir(['k6', ...words, '--json', '-s', store, ...(binary === undefined ? [] : ['--k6', binary])])
  const result = stdout === '' ? undefined : (JSON.parse(stdout) as Result)
  if (result !== undefined) assert.ok(validate(result), JSON.stringify(validate.errors))
  return { status, stderr, result, stdout }
}

/** The run, of which everything arrived. */
function clean(words: readonly string[], store?: string, binary?: string): Run {
  const { status, stderr, result } = k6(words, store, binary)
  const run = result?.runs[0]
  assert.is(status, 0, `${stderr}\n${JSON.stringify(run?.reasons)}`)
  if (run?.audit == null) throw new Error(`there is no audit: ${stderr}`)
  const { offered, stored, refused, lost, duplicated, corrupted, misplaced, unexpected, failed } = run.audit
  assert.equal([lost, duplicated, corrupted, misplaced, unexpected, failed], [0, 0, 0, 0, 0, 0])
  assert.is(stored + refused, offered)
  assert.is(offered, run.records)
  assert.ok(refused <= offered / 100, `${refused} of ${offered} were refused`)
  return run
}

/** Latencies that are there, of so many records, none of them below zero. */
function measured({ latency, k6: report }: Run, records: number): void {
  const { stages } = latency ?? {}
  for (const stage of [stages?.accepted, stages?.stored, report?.service]) {
    assert.ok((stage?.count ?? 0) > records * 0.98, `${stage?.count} of ${records}`)
    assert.is(stage?.negative, 0)
  }
  assert.ok((stages?.accepted?.p50 ?? 0) >= (report?.service?.p50 ?? Number.POSITIVE_INFINITY))
  assert.ok((stages?.stored?.p50 ?? 0) >= (stages?.accepted?.p50 ?? Number.POSITIVE_INFINITY))
}

check('receiver-steady and receiver-soak: every record that was accepted is stored once', () => {
  for (const script of ['receiver-steady', 'receiver-soak']) {
    const run = clean([script, ...lines])
    assert.equal([run.scenario, run.target, run.store, run.image], [`k6/${script}`, 'receiver', 'postgres', 'rows'])
    assert.is(run.records, 400)
    assert.is(run.latency?.rate, 200)
    measured(run, 400)
    // What k6 and Weir's own process used is the cost of measuring.
    const { generator = 0, weir = 1, target = {}, store = 0, recordsPerSecondPerCore = 0 } = run.cpu ?? {}
    assert.ok(generator > weir, `${generator} s of ${weir} s`)
    const worked = Object.values(target).reduce((sum, seconds) => sum + seconds, store ?? 0)
    assert.ok(Math.abs((recordsPerSecondPerCore ?? 0) * worked - 400) < 0.01, `${recordsPerSecondPerCore}/s of ${worked} s`)
  }
})

check('receiver-burst: the same, and the mean rate is that of the bursts too', () => {
  const run = clean(['receiver-burst', ...lines, '--burst', '250ms', '--every', '1s'])
  assert.is(run.latency?.rate, 350)
  // 70 requests, the last of which would be due at the very end.
  assert.is(run.k6?.requests?.planned, 69)
  measured(run, 690)
})

check('receiver-100k: all submissions are due at once, and none is lost', () => {
  const words = ['receiver-100k', '--submissions', '2000', '--connections', '50', '--batch-records', '700', '--batch-time', '500ms']
  const run = clean(words)
  assert.is(run.records, 2000)
  assert.is(run.verdict, 'generator-bound')
  assert.match(run.reasons?.join() ?? '', /the generator used \d+% of the CPU/)
  assert.not.match(run.reasons?.join() ?? '', 'fell behind')
  measured(run, 2000)
  // Who waited for a connection waited from the start.
  assert.ok((run.latency?.accepted?.p99 ?? 0) > (run.k6?.service?.p99 ?? Number.POSITIVE_INFINITY))
})

check('analytics-read: every question is answered, and the rows are as they were', () => {
  const run = clean(['analytics-read', ...moment, '--questions', '10', '--rows', '2000'])
  assert.equal([run.target, run.image, run.records], ['analytics', 'replies', 20])
  const { asked = 0, answered, unsent = 0, byQuery = {} } = run.k6?.questions ?? {}
  assert.is(answered, asked - unsent)
  assert.ok(Object.keys(byQuery).length >= 3, Object.keys(byQuery).join())
})

check('mixed: lines arrive while questions are answered', () => {
  const run = clean(['mixed', ...lines, '--questions', '5'])
  measured(run, 400)
  assert.is(run.k6?.questions?.failed, 0)
  assert.ok((run.k6?.questions?.answered ?? 0) >= 9)
})

check(
  'on ClickHouse as well',
  () => {
    for (const script of ['receiver-steady', 'mixed']) measured(clean([script, ...lines], 'clickhouse'), 400)
  },
  isInstalled() ? undefined : 'chdb',
)

check('its results compare like any other, and the workload tells them apart', () => {
  const [a, b, other] = ['a', 'b', 'other'].map((name) => join(folder, name))
  for (const out of [a, b]) assert.is(k6(['receiver-steady', ...lines, '--out', out ?? '']).status, 0)
  assert.is(k6(['receiver-steady', ...linesWith({ lines: '20' }), '--out', other ?? '']).status, 0)
  const same = weir(['compare', a ?? '', b ?? '', '--json'])
  assert.is(same.status, 0, same.stderr)
  const { rows } = JSON.parse(same.stdout) as { readonly rows: readonly { readonly metric: string }[] }
  assert.equal(
    rows.map(({ metric }) => metric),
    ['throughput', 'p50', 'p99', 'cpu'],
  )
  const refused = weir(['compare', a ?? '', other ?? ''])
  assert.is(refused.status, 2)
  assert.match(refused.stdout + refused.stderr, /lines/)
})

check('several on each side compare by patterns, make a history, and go through a gate', () => {
  const [before, after] = ['before', 'after'].map((name) => join(folder, 'several', name))
  for (const out of [before, before, after, after]) assert.is(k6(['receiver-steady', ...linesWith({ out: out ?? '' })]).status, 0)
  const { status, stdout, stderr } = weir(['compare', `${before}/*.json`, `${after}/*.json`, '--json'])
  assert.is(status, 0, stderr)
  const { a, b } = JSON.parse(stdout) as {
    readonly a: { readonly files: readonly string[] }
    readonly b: { readonly files: readonly string[] }
  }
  assert.equal([a.files.length, b.files.length], [2, 2])
  for (const metric of ['throughput', 'p99'])
    assert.match(weir(['history', before ?? '', '--metric', metric]).stdout, /receiver on postgres +2 /)
  for (const [metric, row] of [
    [[], 'records per CPU time'],
    [['--metric', 'p99'], 'speed at p99'],
  ] as const) {
    // A tenth of the speed would be a regression: on a busy machine a few short runs decide nothing finer.
    const gate = weir(['gate', '--baseline', before ?? '', '--candidate', `${after}/*.json`, '--min-effect', '90%', ...metric])
    assert.is(gate.status, 0, gate.stderr)
    assert.match(gate.stdout, new RegExp(`receiver on postgres, k6/receiver-steady +${row} `))
    assert.match(gate.stdout, 'nothing was measured now: 2 results of the base, 2 of the candidate')
  }
  const [file = ''] = readdirSync(before ?? '')
  const again = weir(['gate', '--baseline', join(before ?? '', file)])
  assert.is(again.status, 2)
  assert.match(again.stderr, /result of weir k6 receiver-steady, .*weir gate --baseline 'before\/\*\.json' --candidate .*--p99 1s/)
})

checkStock('a stock k6 sends lines that were rendered beforehand, and the audit is as exact', () => {
  for (const [words, records] of [
    [['receiver-steady', ...lines], 400],
    [['receiver-burst', ...lines, '--burst', '250ms', '--every', '1s'], 690],
    [['receiver-soak', ...lines, '--seed', '18446744073709551615'], 400],
    [['receiver-100k', '--submissions', '2000', '--connections', '50', '--batch-records', '700', '--batch-time', '500ms'], 2000],
  ] as const) {
    const run = clean(words, undefined, stockK6)
    assert.is(run.records, records)
    assert.is(run.k6?.bodies, 'rendered')
    assert.is(run.latency?.stages?.accepted?.count, run.audit?.stored)
    assert.ok((run.latency?.accepted?.p50 ?? -1) >= (run.k6?.service?.p50 ?? Number.POSITIVE_INFINITY))
  }
})

checkStock('what a stock k6 drops is known from its samples', () => {
  const { status, stderr, result } = k6(['receiver-steady', ...linesWith({ rate: '20000', connections: '1' })], server.url, stockK6)
  const run = result?.runs[0]
  assert.is(status, 1)
  assert.is(run?.verdict, 'threshold-failed')
  assert.match(stderr, /k6 runs without k6\/x\/weir: [\d.]+ MB of lines were rendered .* wall clock's, in whole milliseconds/)
  const { accepted = 0, failed, unsent = 0, unsentRecords } = run?.k6?.requests ?? {}
  assert.ok(unsent > 40 && accepted > 0, `${accepted} were accepted, ${unsent} not sent`)
  assert.equal([accepted + unsent, failed], [4000, 0])
  assert.equal(unsentRecords, [{ from: accepted * 10, to: 40_000 }])
  assert.equal([run?.audit?.offered, run?.audit?.stored, run?.audit?.refused], [40_000, accepted * 10, unsent * 10])
})

checkStock('more than can be rendered is refused before anything is sent', () => {
  const { status, stdout, stderr } = k6(['receiver-soak', '--rate', '1M'], server.url, stockK6)
  assert.is(status, 2)
  assert.is(stdout, '')
  assert.match(stderr, /needs \d+ GB of lines rendered beforehand, and at most 0\.250 GB are, .*: send fewer .*npm run build:k6/)
})

check('--stock renders beforehand, though the k6 has the extension', () => {
  assert.is(clean(['receiver-steady', ...lines, '--stock']).k6?.bodies, 'rendered')
})

check('a threshold that is missed is the verdict', () => {
  const { status, result } = k6(['receiver-steady', ...linesWith({ p99: '1ms' })])
  const [run] = result?.runs ?? []
  assert.is(status, 1)
  assert.is(run?.verdict, 'threshold-failed')
  assert.match(run?.reasons?.[0] ?? '', /weir_due_ms p\(99\)<1$/)
  assert.is(run?.k6?.status, 99)
  assert.is(run?.audit?.lost, 0)
})

check('what k6 drops was due and never sent: it is counted, named, and not in the store', () => {
  const { status, result } = k6(['receiver-steady', ...linesWith({ rate: '20000', connections: '1' })])
  const run = result?.runs[0]
  assert.is(status, 1)
  assert.is(run?.verdict, 'threshold-failed')
  assert.match(run?.reasons?.join() ?? '', /dropped_iterations\{scenario:lines\}.*k6 dropped [\d,]+ requests/)
  const { planned, accepted = 0, unsent = 0, unsentRecords = [] } = run?.k6?.requests ?? {}
  assert.is(planned, 4000)
  assert.ok(unsent > 40, `${unsent} were not sent`)
  assert.is(accepted + unsent, planned)
  assert.equal(unsentRecords, [{ from: accepted * 10, to: 40_000 }])
  assert.equal([run?.audit?.offered, run?.audit?.stored, run?.audit?.refused], [40_000, accepted * 10, unsent * 10])
})

test('without k6 it says what to install, before anything is started', () => {
  const stock = join(folder, 'stock-k6')
  writeFileSync(stock, '#!/bin/sh\necho "k6 v1.1.0 (go1.24.4, linux/amd64)"\n')
  chmodSync(stock, 0o755)
  for (const [words, said] of [
    [
      ['receiver-steady', '--k6', join(folder, 'nothing')],
      /nothing is no k6 that runs: install Go .*https:\/\/go\.dev\/dl, then npm run build:k6/,
    ],
    [['mixed', '--k6', stock], /a k6 without k6\/x\/weir, which mixed renders its lines with: .*npm run build:k6/],
  ] as const) {
    const { status, stdout, stderr } = weir(['k6', ...words])
    assert.is(status, 1)
    assert.is(stdout, '')
    assert.match(stderr, said)
    assert.not.match(stderr, /starting/)
  }
})

test('settings that mean nothing to a script, or contradict each other, are refused', () => {
  for (const [words, said] of [
    [[], 'weir k6 receiver-steady, weir k6 receiver-burst'],
    [['receiver-stedy'], 'did you mean "receiver-steady"?'],
    [['receiver-steady', '--questions', '5'], '--questions means nothing to receiver-steady'],
    [['mixed', '--stock'], '--stock means nothing to mixed'],
    [['analytics-read', '--ack', 'object'], '--ack means nothing to analytics-read'],
    [['receiver-burst', '--burst', '3s'], '--burst must be shorter than --every'],
    [['receiver-steady', '-s', 'null'], 'the null store keeps nothing'],
    [['receiver-steady', '--keep'], 'add --data DIR'],
  ] as const) {
    const { status, stderr } = weir(['k6', ...words])
    assert.is(status, 2, stderr)
    assert.match(stderr, said)
  }
})

/** Others may enter it: Postgres runs as somebody else when this is root. */
function openFolder(prefix: string): string {
  const made = mkdtempSync(join(tmpdir(), prefix))
  chmodSync(made, 0o755)
  return made
}

const onLinux = process.platform === 'linux' ? undefined : 'Linux'

/** Processes that were started with this folder for their temporary files. */
function processesOf(scratch: string): readonly { readonly pid: number; readonly command: string }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((name) => {
      try {
        if (!readFileSync(`/proc/${name}/environ`, 'latin1').split('\0').includes(`TMPDIR=${scratch}`)) return []
        return [{ pid: Number(name), command: readFileSync(`/proc/${name}/cmdline`, 'latin1').replaceAll('\0', ' ') }]
      } catch {
        return []
      }
    })
}

/** Asks until there is an answer. */
async function until<T>(find: () => T | undefined): Promise<T> {
  for (let tries = 0; tries < 1200; tries++) {
    const found = find()
    if (found !== undefined) return found
    await delay(50)
  }
  throw new Error('it did not come')
}

check(
  'an object that goes before it is processed is found by the audit, with the positions of its records',
  async () => {
    const scratch = openFolder('weir-k6-loss-')
    const words = ['k6', 'receiver-steady', ...linesWith({ duration: '4s' }), '--json', '-s', server.url, '--k6', givenK6 ?? '']
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('WEIR_')))
    const child: ChildProcess = spawn(process.execPath, [main, ...words], {
      env: { ...env, TMPDIR: scratch },
      stdio: ['ignore', 'pipe', 'inherit'],
      cwd: scratch,
    })
    const output: Buffer[] = []
    child.stdout?.on('data', (chunk: Buffer) => output.push(chunk))
    const ended = new Promise<number | null>((done) => child.once('close', done))
    try {
      const processor = await until(() => processesOf(scratch).find(({ command }) => command.includes('services/processor/process.js')))
      const objects = await until(() =>
        readdirSync(scratch, { recursive: true })
          .map(String)
          .find((name) => name.endsWith('/objects')),
      )
      const names = () => readdirSync(join(scratch, objects)).filter((name) => !name.startsWith('.'))
      await until(() => names()[0])
      process.kill(processor.pid, 'SIGSTOP')
      const before = names()
      const planted = await until(() => names().find((name) => !before.includes(name)))
      unlinkSync(join(scratch, objects, planted))
      process.kill(processor.pid, 'SIGCONT')
      assert.is(await ended, 1)
      const run = (JSON.parse(Buffer.concat(output).toString()) as Result).runs[0]
      assert.is(run?.verdict, 'unsound')
      const lost = run?.audit?.lost ?? 0
      assert.ok(lost > 0 && lost < 800, `${lost} lost`)
      assert.is((run?.audit?.stored ?? 0) + lost + (run?.audit?.refused ?? 0), run?.records)
      assert.is(run?.findings?.[0]?.kind, 'lost')
      assert.is(run?.findings?.[0]?.source, 1)
    } finally {
      child.kill('SIGKILL')
      rmSync(scratch, { recursive: true, force: true })
    }
  },
  onLinux,
)

check(
  'Ctrl-C ends it in order: k6 sums up, a result is left, and no process and no file',
  async () => {
    const scratch = openFolder('weir-k6-stop-')
    const out = join(folder, 'stopped')
    const words = ['k6', 'receiver-steady', ...linesWith({ duration: '5m' }), '-s', 'postgres', '--out', out, '--k6', givenK6 ?? '']
    try {
      const { status, stderr } = await weirUntil(words, 'stderr', (child) => child.kill('SIGINT'), {
        when: 'requests answered',
        environment: { TMPDIR: scratch },
      })
      assert.is(status, 130, stderr)
      // What watches over an embedded server looks once a second whether it is still needed.
      await until(() => (processesOf(scratch).length === 0 ? true : undefined))
      assert.equal(
        readdirSync(scratch).filter((name) => name.startsWith('weir-') && !name.startsWith('weir-cli-test')),
        [],
      )
      const [file = ''] = readdirSync(out)
      const result = JSON.parse(readFileSync(join(out, file), 'utf8')) as Result
      assert.ok(validate(result), JSON.stringify(validate.errors))
      assert.is(result.runs[0]?.verdict, 'interrupted')
      assert.is(result.runs[0]?.k6?.status, 105)
    } finally {
      rmSync(scratch, { recursive: true, force: true })
    }
  },
  onLinux,
)

test.run()
