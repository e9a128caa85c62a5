/** weir compare, weir history and weir gate on written results: words, refusals, broken files; within this process, for speed. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Comparison } from '../results/compare.js'
import type { Series } from '../results/history.js'
import type { Result, Run } from '../results/result.js'
import { sampleLatency, sampleResult, sampleRun } from '../results/sample.js'
import { serialize } from '../results/write.js'
import type { AnyCommand, Context } from './command.js'
import { compare } from './compare.js'
import { CommandError } from './errors.js'
import { flagLayer } from './flags.js'
import { gate } from './gate.js'
import { history } from './history.js'
import { read, Settings } from './settings.js'

const test = suite<{ folder: string }>('compare and history', { folder: '' })

test.before.each((context) => {
  context.folder = mkdtempSync(join(tmpdir(), 'weir-compare-test-'))
})
test.after.each(({ folder }) => rmSync(folder, { recursive: true, force: true }))

const commands: Readonly<Record<string, AnyCommand>> = { compare, gate, history }

/** What the program would do with these words in this folder. */
async function weir(folder: string, [name = '', ...words]: readonly string[]) {
  const command = commands[name] as AnyCommand
  const notices: string[] = []
  try {
    const settings = new Settings([flagLayer(words, command.options, command.positionals, command.name)])
    const values: Record<string, unknown> = {}
    for (const [key, option] of Object.entries(command.options)) {
      const given = settings.find(key)
      if (given) values[key] = option.kind === 'switch' ? given.text === 'true' : read(given, option.parse)
    }
    const context: Context = {
      print: async () => {},
      notice: (line) => notices.push(line),
      progress: () => {},
      ask: async () => undefined,
      signal: new AbortController().signal,
      cwd: folder,
      display: { tty: false, columns: 120 },
      settings,
    }
    const { status, output } = await command.handler(values, context)
    return { status, stdout: output, stderr: notices.join('\n') }
  } catch (error) {
    if (!(error instanceof CommandError)) throw error
    return { status: error.status, stdout: '', stderr: [...notices, error.message].join('\n') }
  }
}

const configuration = { scenario: 'steady', seed: '1', rate: 700, latencyLeg: true }
let made = 0

/** Writes a result of this speed into the folder. */
function result(folder: string, name: string, speed: number, different: Partial<Run> = {}, document: Partial<Result> = {}): string {
  const run = sampleRun('worker-pool', [speed * 0.99, speed * 1.01], { records: 1000, latency: sampleLatency(700, 12), ...different })
  const createdAt = new Date(Date.UTC(2026, 0, 1) + 3_600_000 * made++).toISOString()
  const path = join(folder, name)
  mkdirSync(join(path, '..'), { recursive: true })
  writeFileSync(path, serialize(sampleResult([run], { configuration, createdAt, ...document })))
  return name
}

async function refuses(folder: string, words: readonly string[], message: string | RegExp): Promise<string> {
  const { status, stdout, stderr } = await weir(folder, words)
  assert.match(stderr, message)
  assert.is(status, 2, stderr)
  assert.is(stdout, '')
  return stderr
}

test('patterns: three results against three', async ({ folder }) => {
  for (const [i, speed] of [1000, 1010, 990].entries()) {
    result(folder, `main/${i}.json`, speed)
    result(folder, `mine/${i}.json`, speed * 1.2, { subjectHash: 'd'.repeat(64), options: { workers: 4 } })
  }
  const { status, stdout, stderr } = await weir(folder, ['compare', 'main/*.json', '**/mine/?.json'])
  assert.is(status, 0, stderr)
  assert.match(stdout, /worker-pool {2}records\/s {2}1,000 \(3\) {2}1,200 \(3\) +\+20\.0% {2}\+1\d\.\d% to \+2\d\.\d% +faster\n/)
  assert.match(stdout, 'Compared: options.workers is not set in A, 4 in B.')
  const { stdout: json } = await weir(folder, ['compare', 'main', 'mine', '--json'])
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

test('labels are found in the folder of results', async ({ folder }) => {
  for (const label of ['monday', 'tuesday']) for (const i of [1, 2]) result(folder, `${label}${i}.json`, 1000 + i, {}, { label })
  writeFileSync(join(folder, 'broken.json'), '{')
  const { status, stdout } = await weir(folder, ['compare', 'monday', 'tuesday', '--out', '.'])
  assert.is(status, 0)
  assert.match(stdout, 'A: monday (2 results)')
  await refuses(folder, ['compare', 'monday', 'tusday', '--out', '.'], 'unknown label "tusday": did you mean "tuesday"?')
  mkdirSync(join(folder, 'monday'))
  writeFileSync(join(folder, 'monday/package.json'), '{}')
  assert.match((await weir(folder, ['compare', 'monday', 'tuesday', '--out', '.'])).stdout, 'A: monday (2 results)')
  rmSync(join(folder, 'monday'), { recursive: true })
  await refuses(
    folder,
    ['compare', 'monday', 'tuesday'],
    'no folder results/runs to look for a label of that name; --out DIR names another',
  )
})

test('what may not be compared is refused field by field, and forced with the mismatch in every row', async ({ folder }) => {
  const a = result(folder, 'a.json', 1000)
  const b = result(
    folder,
    'b.json',
    1000,
    { durability: 'process', workloadHash: 'f'.repeat(64), image: 'rows (logins)', audit: null },
    { configuration: { ...configuration, seed: '2' } },
  )
  const said = await refuses(folder, ['compare', a, b], 'these results may not be compared')
  for (const difference of [
    'seed is 1 in A, 2 in B',
    'durability is power in A, process in B',
    'image is rows in A',
    'audit is clean in A, none in B',
  ]) {
    assert.match(said, difference)
  }
  assert.match(said, '--force')
  const { status, stdout } = await weir(folder, ['compare', a, b, '--force'])
  assert.is(status, 0)
  const rows = stdout.split(/^(?=worker-pool)/m).slice(1)
  assert.is(rows.length, 3)
  for (const row of rows) assert.match(row.replaceAll(/\s+/g, ' '), 'not comparable: seed')
  const refused = await weir(folder, ['compare', a, b, '--json'])
  assert.is(refused.status, 2)
  assert.is((JSON.parse(refused.stdout) as Comparison).refusals.length, 4)
})

test('bad words are answered with what to do', async ({ folder }) => {
  const a = result(folder, 'a.json', 1000)
  const place = (name: string, text: string) => {
    writeFileSync(join(folder, name), text)
    return name
  }
  await refuses(folder, ['compare'], 'name two sides: weir compare A B')
  await refuses(folder, ['compare', a], 'name two sides')
  await refuses(folder, ['compare', a, './a.json'], 'nothing differs from itself')
  await refuses(folder, ['compare', a, a, a], 'weir compare takes [a] [b]; quote a pattern, or the shell makes several words of it')
  await refuses(folder, ['compare', a, 'none.json'], 'there is no file')
  await refuses(folder, ['compare', a, '*.jsonl'], 'no file matches')
  await refuses(folder, ['compare', a, place('short.json', serialize(sampleResult([])).slice(0, 300))], 'short.json is cut short')
  await refuses(
    folder,
    ['compare', a, place('newer.json', '{"schema":7,"runs":[]}')],
    'newer.json was written by a newer weir: its schema is 7',
  )
  await refuses(folder, ['compare', a, place('other.json', '{"name":"x"}')], 'other.json is JSON, but no result of weir run')
  await refuses(
    folder,
    ['compare', a, place('none.json', serialize(sampleResult([])))],
    /no target, store and scenario is in both:\n {2}A has worker-pool on postgres, steady/,
  )
  await refuses(folder, ['compare', a, a, '--min-effect', '5'], '--min-effect: "5" is no share')
  mkdirSync(join(folder, 'empty'))
  await refuses(folder, ['compare', a, 'empty'], 'there are no results in')
})

test('a history shows the change, and names broken files beside it', async ({ folder }) => {
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
  const { status, stdout, stderr } = await weir(folder, ['history', '.'])
  assert.is(status, 0, stderr)
  assert.match(stdout, /1\. worker-pool on postgres +12 +[@#]{6}_{6} +70\d +1\.1\d +0\.2\d +-30\.0%/)
  assert.match(stdout, /-30\.0% \(1,001 to 701, p 0\.00\d\) from 06\.json on; with it came build/)
  assert.match(stderr, 'passed over: half.json is cut short')
  assert.match(stderr, 'passed over: newer.json was written by a newer weir')
  const { series, broken } = JSON.parse((await weir(folder, ['history', '.', '--json'])).stdout) as { series: Series[]; broken: unknown[] }
  assert.equal([series.length, series[0]?.points.length, series[0]?.changes[0]?.file, broken.length], [1, 12, '06.json', 2])
  assert.match((await weir(folder, ['history', '.', '--metric', 'p99', '-t', 'worker-pool'])).stdout, 'none')
  await refuses(folder, ['history', '.', '-t', 'worker-pol'], 'unknown target "worker-pol": did you mean "worker-pool"?')
  await refuses(folder, ['history', '.', '--metric', 'p98'], 'unknown metric "p98": did you mean "p99"?')
  await refuses(folder, ['history'], 'results/runs cannot be read: there is nothing of that name')
  mkdirSync(join(folder, 'empty'))
  await refuses(folder, ['history', 'empty'], 'there are no results in')
})

test('a gate on results of both sides fails when the candidate is slower, and refuses what it could not use', async ({ folder }) => {
  for (const [i, speed] of [1000, 1010, 990, 1005].entries()) {
    result(folder, `before/${i}.json`, speed)
    result(folder, `after/${i}.json`, speed * 0.88)
    result(folder, `again/${i}.json`, speed * 1.001)
    result(folder, `other/${i}.json`, speed, { workloadHash: 'f'.repeat(64) }, { configuration: { ...configuration, seed: '2' } })
  }
  const gated = (after: string, ...words: readonly string[]) =>
    weir(folder, ['gate', '--baseline', 'before/*.json', '--candidate', after, ...words])
  const slower = await gated('after', '--junit', 'gate.xml')
  assert.is(slower.status, 3, slower.stderr)
  assert.match(slower.stdout, /REGRESSION: worker-pool on postgres, steady: throughput is slower by 12\.0%/)
  assert.match(readFileSync(join(folder, 'gate.xml'), 'utf8'), 'failures="1"')
  assert.is((await gated('after', '--min-effect', '20%')).status, 0)
  assert.is((await gated('again')).status, 0)
  assert.match((await gated('again', '--metric', 'p99')).stdout, 'passed: worker-pool on postgres, steady: no regression shown')
  for (const [words, message] of [
    [['other'], /these results may not be compared:\n {2}seed is 1 in A, 2 in B$/],
    [['before'], 'A and B both have before/0.json and 3 more'],
    [['after', '--store', 'null'], '--store cannot go with --candidate: nothing is measured'],
    [['after', '--budget', '3m'], '--budget cannot go with --candidate: nothing is measured'],
    [['nowhere'], 'there is no file nowhere'],
  ] as const) {
    const [after = '', ...more] = words
    await refuses(folder, ['gate', '--baseline', 'before/*.json', '--candidate', after, ...more], message)
  }
  await refuses(
    folder,
    ['gate', '--against', 'x', '--candidate', 'after'],
    '--candidate names results that were made before: it goes with --baseline',
  )
})

test.run()
