/** weir compare and weir history as a person meets them: words, refusals, broken files; on real results too. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Comparison } from '../results/compare.js'
import type { Series } from '../results/history.js'
import type { Result, Run } from '../results/result.js'
import { sampleLatency, sampleResult, sampleRun } from '../results/sample.js'
import { serialize } from '../results/write.js'
import { weir } from './weir.js'

const test = suite<{ folder: string }>('compare and history', { folder: '' })

test.before.each((context) => {
  context.folder = mkdtempSync(join(tmpdir(), 'weir-compare-test-'))
})
test.after.each(({ folder }) => rmSync(folder, { recursive: true, force: true }))

const configuration = { scenario: 'steady', seed: '1', rate: 700, latencyLeg: true }
let made = 0

/** Writes a result of this speed and says where it lies. */
function result(folder: string, name: string, speed: number, different: Partial<Run> = {}, document: Partial<Result> = {}): string {
  const run = sampleRun('worker-pool', [speed * 0.99, speed * 1.01], { records: 1000, latency: sampleLatency(700, 12), ...different })
  const createdAt = new Date(Date.UTC(2026, 0, 1) + 3_600_000 * made++).toISOString()
  const path = join(folder, name)
  mkdirSync(join(path, '..'), { recursive: true })
  writeFileSync(path, serialize(sampleResult([run], { configuration, createdAt, ...document })))
  return path
}

function refuses(words: readonly string[], message: string | RegExp): string {
  const { status, stdout, stderr } = weir(words)
  assert.match(stderr, message)
  assert.is(status, 2, stderr)
  assert.is(stdout, '')
  assert.not.match(stderr, /\n\s+at /)
  return stderr
}

test('patterns: three results against three', ({ folder }) => {
  for (const [i, speed] of [1000, 1010, 990].entries()) {
    result(folder, `main/${i}.json`, speed)
    result(folder, `mine/${i}.json`, speed * 1.2, { subjectHash: 'd'.repeat(64), options: { workers: 4 } })
  }
  const { status, stdout, stderr } = weir(['compare', join(folder, 'main/*.json'), join(folder, '**/mine/?.json')])
  assert.is(status, 0, stderr)
  assert.match(stdout, /worker-pool {2}records\/s {2}1,000 \(3\) {2}1,200 \(3\) +\+20\.0% {2}\+1\d\.\d% to \+2\d\.\d% +faster\n/)
  assert.match(stdout, 'Compared: options.workers is not set in A, 4 in B.')
  const { stdout: json } = weir(['compare', join(folder, 'main'), join(folder, 'mine'), '--json'])
  const comparison = JSON.parse(json) as Comparison
  assert.equal(
    comparison.rows.map(({ metric, word }) => [metric, word]),
    [
      ['throughput', 'faster'],
      ['p50', 'no difference shown'],
      ['p99', 'no difference shown'],
    ],
  )
})

test('labels are found in the folder of results', ({ folder }) => {
  for (const label of ['monday', 'tuesday']) for (const i of [1, 2]) result(folder, `${label}${i}.json`, 1000 + i, {}, { label })
  writeFileSync(join(folder, 'broken.json'), '{')
  const { status, stdout } = weir(['compare', 'monday', 'tuesday', '--out', folder])
  assert.is(status, 0)
  assert.match(stdout, 'A: monday (2 results)')
  refuses(['compare', 'monday', 'tusday', '--out', folder], 'unknown label "tusday": did you mean "tuesday"?')
  refuses(['compare', 'monday', 'tuesday'], 'no folder results/runs to look for a label of that name; --out DIR names another')
})

test('what may not be compared is refused field by field, and forced with the mismatch in every row', ({ folder }) => {
  const a = result(folder, 'a.json', 1000)
  const b = result(
    folder,
    'b.json',
    1000,
    { durability: 'process', workloadHash: 'f'.repeat(64), image: 'rows (logins)', audit: null },
    { configuration: { ...configuration, seed: '2' } },
  )
  const said = refuses(['compare', a, b], 'these results may not be compared')
  for (const difference of [
    'seed is 1 in A, 2 in B',
    'durability is power in A, process in B',
    'image is rows in A',
    'audit is clean in A, none in B',
  ]) {
    assert.match(said, difference)
  }
  assert.match(said, '--force')
  const { status, stdout } = weir(['compare', a, b, '--force'])
  assert.is(status, 0)
  const rows = stdout.split(/^(?=worker-pool)/m).slice(1)
  assert.is(rows.length, 3)
  for (const row of rows) assert.match(row.replaceAll(/\s+/g, ' '), 'not comparable: seed')
  const refused = weir(['compare', a, b, '--json'])
  assert.is(refused.status, 2)
  assert.is((JSON.parse(refused.stdout) as Comparison).refusals.length, 4)
})

test('bad words are answered with what to do', ({ folder }) => {
  const a = result(folder, 'a.json', 1000)
  const place = (name: string, text: string) => {
    writeFileSync(join(folder, name), text)
    return join(folder, name)
  }
  refuses(['compare'], 'name two sides: weir compare A B')
  refuses(['compare', a], 'name two sides')
  refuses(['compare', a, join(folder, '.', 'a.json')], 'nothing differs from itself')
  refuses(['compare', a, a, a], 'weir compare takes [a] [b]; quote a pattern, or the shell makes several words of it')
  refuses(['compare', a, join(folder, 'none.json')], 'there is no file')
  refuses(['compare', a, join(folder, '*.jsonl')], 'no file matches')
  refuses(['compare', a, place('short.json', serialize(sampleResult([])).slice(0, 300))], 'short.json is cut short')
  refuses(['compare', a, place('newer.json', '{"schema":7,"runs":[]}')], 'newer.json was written by a newer weir: its schema is 7')
  refuses(['compare', a, place('other.json', '{"name":"x"}')], 'other.json is JSON, but no result of weir run')
  refuses(
    ['compare', a, place('none.json', serialize(sampleResult([])))],
    /no target, store and scenario is in both:\n {2}A has worker-pool on postgres, steady/,
  )
  refuses(['compare', a, a, '--min-effect', '5'], '--min-effect: "5" is no share')
  mkdirSync(join(folder, 'empty'))
  refuses(['compare', a, join(folder, 'empty')], 'there are no results in')
})

test('a history shows the change, and names broken files beside it', ({ folder }) => {
  for (let i = 0; i < 12; i++) {
    const build = (i < 6 ? 'a' : 'b').repeat(64)
    result(
      folder,
      `${String(i).padStart(2, '0')}.json`,
      (i < 6 ? 1000 : 700) + (i % 3),
      { subjectHash: build },
      { weir: { version: '0.1.0', build } },
    )
  }
  writeFileSync(join(folder, 'half.json'), '{"schema":1,"runs":[')
  writeFileSync(join(folder, 'newer.json'), '{"schema":9,"runs":[]}')
  const { status, stdout, stderr } = weir(['history', folder])
  assert.is(status, 0, stderr)
  assert.match(stdout, /1\. worker-pool on postgres +12 +[@#]{6}_{6} +70\d +0\.2\d +1, the last -30\.0%/)
  assert.match(stdout, /-30\.0% \(1,001 to 701, p 0\.00\d\) from 06\.json on; with it came build/)
  assert.match(stderr, 'passed over: half.json is cut short')
  assert.match(stderr, 'passed over: newer.json was written by a newer weir')
  const { series, broken } = JSON.parse(weir(['history', folder, '--json']).stdout) as { series: Series[]; broken: unknown[] }
  assert.equal([series.length, series[0]?.points.length, series[0]?.changes[0]?.file, broken.length], [1, 12, '06.json', 2])
  assert.match(weir(['history', folder, '--metric', 'p99', '-t', 'worker-pool']).stdout, 'none')
  refuses(['history', folder, '-t', 'worker-pol'], 'unknown target "worker-pol": did you mean "worker-pool"?')
  refuses(['history', folder, '--metric', 'p98'], 'unknown metric "p98": did you mean "p99"?')
  refuses(['history'], 'results/runs cannot be read: there is nothing of that name')
  mkdirSync(join(folder, 'empty'))
  refuses(['history', join(folder, 'empty')], 'there are no results in')
})

test('results of real runs are compared and make a history', ({ folder }) => {
  for (const workers of ['1', '2', '1', '2']) {
    const words = ['-s', 'null', '-t', 'worker-pool', '--workers', workers, '-n', '20k', '--no-latency-leg']
    const { status, stderr } = weir(['run', ...words, '--out', folder, '--label', `w${workers}`])
    assert.is(status, 0, stderr)
  }
  const compared = weir(['compare', 'w1', 'w2', '--out', folder])
  assert.is(compared.status, 0, compared.stderr)
  assert.match(compared.stdout, /worker-pool {2}records\/s {2}[\d,]+ \(2\) {2}[\d,]+ \(2\)/)
  assert.match(compared.stdout, 'Compared: options.workers is 1 in A, 2 in B.')
  assert.match(weir(['history', folder]).stdout, /1\. worker-pool on null +4 /)
  const longer = weir(['run', '-s', 'null', '-t', 'worker-pool', '-n', '30k', '--no-latency-leg', '--out', folder, '--label', 'longer'])
  assert.is(longer.status, 0)
  refuses(['compare', 'w1', 'longer', '--out', folder], 'length.records is 20,000 in A, 30,000 in B')
})

test('a run on Postgres is compared with one of another durability only by force', ({ folder }) => {
  const files = ['power', 'process'].map((durability) => {
    const words = ['-s', 'postgres', '-t', 'single-thread', '-n', '5k', '--no-latency-leg', '--durability', durability]
    const { status, stderr } = weir(['run', ...words, '--out', join(folder, durability)])
    assert.is(status, 0, stderr)
    return join(folder, durability, readdirSync(join(folder, durability))[0] ?? '')
  })
  const said = refuses(['compare', ...files], 'single-thread on postgres, steady: durability is power in A, process in B')
  assert.not.match(said, 'workload')
  assert.match(weir(['compare', ...files, '--force']).stdout.replaceAll(/\s+/g, ' '), 'cannot tell (too few runs: at least')
})

test.run()
