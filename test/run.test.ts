/** weir run as a user meets it, into the null store: one document on stdout, a result file, exit statuses, an orderly stop. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Result } from '../results/result.js'
import { isInstalled } from '../stores/clickhouse/embedded.js'
import { weir, weirUntil } from './weir.js'

interface Document {
  readonly schema: number
  readonly runs: readonly { readonly target: string; readonly store: string; readonly verdict: string; readonly audit: unknown }[]
}

test('--json prints one document and nothing else', () => {
  const { status, stdout, stderr } = weir(['run', '-s', 'null', '-t', 'single-thread', '-n', '50k', '--no-latency-leg', '--json'])
  assert.is(status, 0, stderr)
  const document = JSON.parse(stdout) as Document
  assert.is(document.schema, 1)
  assert.equal(
    document.runs.map(({ target, store, audit }) => ({ target, store, audit })),
    [{ target: 'single-thread', store: 'null', audit: null }],
  )
  assert.is.not(stderr, '')
})

test('without --json a table, and the name of the result file', () => {
  const { status, stdout, stderr } = weir(['run', '-s', 'null', '-t', 'single-thread', '-n', '50k', '--no-latency-leg', '--out', 'kept'])
  assert.is(status, 0, stderr)
  assert.match(stdout, 'single-thread')
  assert.match(stdout, /kept\/[^\s]+\.json/)
})

test('--runs repeats on fresh tables, and the document has each run and all of them together', () => {
  const words = [
    'run',
    '-s',
    'null',
    '-t',
    'single-thread,worker-pool',
    '-n',
    '30k',
    '--no-latency-leg',
    '--runs',
    '3',
    '--label',
    'thrice',
    '--json',
  ]
  const { status, stdout, stderr } = weir(words)
  assert.is(status, 0, stderr)
  const document = JSON.parse(stdout) as Result
  assert.is(document.label, 'thrice')
  assert.equal(
    document.runs.map(({ target, repetition }) => `${target} ${repetition}`).sort(),
    ['single-thread', 'worker-pool'].flatMap((target) => [1, 2, 3].map((repetition) => `${target} ${repetition}`)),
  )
  assert.equal(
    document.together?.map(({ runs }) => runs),
    [3, 3],
  )
})

test('--until goes on until it is known well enough, five times at the least', () => {
  const words = ['run', '-s', 'null', '-t', 'single-thread', '-n', '30k', '--no-latency-leg', '--until', '99%', '--json']
  const { status, stdout, stderr } = weir(words)
  assert.is(status, 0, stderr)
  const { together } = JSON.parse(stdout) as Result
  const [all] = together ?? []
  assert.ok(all !== undefined && all.interval !== null && all.runs >= 5)
  assert.ok((all.interval.high - all.interval.low) / 2 <= 0.99 * all.recordsPerSecond)
})

test('interrupted between repetitions, it keeps those that were measured', async () => {
  const words = ['run', '-s', 'null', '-t', 'single-thread', '-n', '30k', '--no-latency-leg', '--runs', '100000', '--json']
  const { status, stdout } = await weirUntil(words, 'stderr', (child) => child.kill('SIGINT'), { when: 'run 3 of' })
  assert.is(status, 130)
  const { runs, together } = JSON.parse(stdout) as Result
  assert.ok(runs.filter(({ verdict }) => verdict !== 'interrupted').length >= 2)
  assert.not(together?.some(({ verdict }) => verdict === 'interrupted'))
})

test('a target that was named and cannot run on the store is an error of the command line', () => {
  const { status, stderr } = weir(['run', '-s', 'null', '-t', 'multi-instance', '-n', '1k'])
  assert.is(status, 2)
  assert.match(stderr, 'multi-instance cannot run on the store null')
})

test('a file that is not there is a clear error', () => {
  const { status, stderr } = weir(['run', '-s', 'null', '-t', 'single-thread', '--input', 'nowhere.log'])
  assert.is(status, 1)
  assert.match(stderr, 'nowhere.log')
  assert.not.match(stderr, /\n\s+at /)
})

test("a log's format is found by trying; one of no format is refused, unless its format is named", () => {
  const folder = mkdtempSync(join(tmpdir(), 'weir-run-test-'))
  try {
    const generated = weir(['generate', '-n', '20k', '--format', 'common', '-o', folder])
    assert.is(generated.status, 0, generated.stderr)
    const log = join(folder, 'access-000001.log')
    const words = ['run', '-s', 'null', '-t', 'single-thread', '--no-latency-leg', '--json', '--input']
    const formatOf = (text: string) => (JSON.parse(text) as Result).configuration['format']
    const found = weir([...words, log])
    assert.is(found.status, 0, found.stderr)
    assert.match(found.stderr, /1,000 of the first 1,000 lines of .*access-000001\.log are of the common format/)
    assert.is(formatOf(found.stdout), 'common')
    const named = weir([...words, log, '--format', 'combined'])
    assert.match(named.stderr, /0 of the first 1,000 lines .* are of the combined format, 1,000 of the common format: --format common\?/)
    assert.is(formatOf(named.stdout), 'combined')
    const none = join(folder, 'none.log')
    writeFileSync(none, 'nothing\n'.repeat(500))
    const refused = weir([...words, none])
    assert.is(refused.status, 2)
    assert.match(refused.stderr, /none of the first 500 lines of .*none\.log is a record of a known format \(combined, common, json\)/)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

test('the first signal stops in order, with status 130 and at most one document', async () => {
  const words = ['run', '-s', 'null', '-t', 'single-thread', '--duration', '300s', '--json']
  const { status, stdout } = await weirUntil(words, 'stderr', (child) => child.kill('SIGINT'))
  assert.is(status, 130)
  if (stdout !== '') assert.ok((JSON.parse(stdout) as Document).runs.every(({ verdict }) => verdict === 'interrupted'))
})

function keptAndRemoved(store: string, other: string): void {
  // Temporary files of its own: clean --yes must not touch what others left. Open to the user that Postgres runs as.
  const folder = mkdtempSync(join(tmpdir(), 'kept-by-a-test-'))
  chmodSync(folder, 0o711)
  const data = join(folder, 'data')
  const here = { environment: { TMPDIR: folder } }
  try {
    const kept = weir(['run', '-t', 'single-thread', '-s', store, '-n', '5k', '--no-latency-leg', '--keep', '--data', data, '--json'], here)
    assert.is(kept.status, 0, kept.stderr)
    const refused = weir(['verify', '-s', other, '--data', data], here)
    assert.is(refused.status, 1)
    assert.match(refused.stderr, `is a data directory of ${store}, not of ${other}`)
    const verified = weir(['verify', '--data', data, '--json'], here)
    assert.is(verified.status, 0, verified.stderr)
    const { runs } = JSON.parse(verified.stdout) as { readonly runs: readonly { readonly schema: string; readonly sound: boolean }[] }
    assert.ok(runs.length > 0)
    assert.ok(runs.every(({ sound }) => sound))
    const listed = weir(['clean', '--data', data, '--dry-run'], here)
    for (const { schema } of runs) assert.match(listed.stdout, `schema ${schema}`)
    const removed = weir(['clean', '--data', data, '--yes'], here)
    assert.is(removed.status, 0, removed.stderr)
    assert.is(weir(['verify', '--data', data], here).status, 2)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const kept = 'a kept run is verified later, listed by clean, and removed by it and nothing else is'
test(`${kept}, on Postgres`, () => keptAndRemoved('postgres', 'clickhouse'))
if (isInstalled()) test(`${kept}, on ClickHouse`, () => keptAndRemoved('clickhouse', 'postgres'))
else test.skip(`${kept}, on ClickHouse (needs chdb)`, () => undefined)

test('clean starts no server where there is none', () => {
  assert.match(weir(['clean', '--data', 'nowhere', '--dry-run']).stderr, 'nowhere is no data directory of an embedded server')
  assert.match(weir(['clean', '-s', 'clickhouse', '--dry-run']).stderr, 'which clickhouse?')
})

test.run()
