/** The command line as a user meets it: help, mistakes, settings and their precedence, exit statuses. */
import { spawnSync } from 'node:child_process'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { main, type Surroundings, weir, weirUntil } from './weir.js'

const commands = ['run', 'compare', 'history', 'gate', 'capacity', 'k6', 'generate', 'verify', 'serve', 'list', 'doctor', 'clean']

/** Status 2, the message on stderr, nothing on stdout, no stack. */
function refuses(words: readonly string[], message: string | RegExp, surroundings?: Surroundings): void {
  const { status, stdout, stderr } = weir(words, surroundings)
  assert.match(stderr, message)
  assert.is(status, 2, `weir ${words.join(' ')}: ${stderr}`)
  assert.is(stdout, '')
  assert.not.match(stderr, /\n\s+at /)
}

const lineCount = (text: string): number => text.split('\n').length - 1

test('help fits a screen', () => {
  for (const words of [[], ...commands.map((command) => [command])]) {
    const { status, stdout } = weir([...words, '--help'])
    assert.is(status, 0)
    assert.ok(lineCount(stdout) <= 24, `${words}: ${lineCount(stdout)} lines`)
    for (const line of stdout.split('\n')) assert.ok(line.length <= 80, line)
  }
  for (const line of weir(['run', '--help-all']).stdout.split('\n')) assert.ok(line.length <= 80, line)
})

test('every flag that an example of help uses exists', () => {
  for (const command of commands) {
    const examples = [...weir([command, '--help']).stdout.matchAll(/^ {2}weir ([^|>\n]*)/gm)].map((match) =>
      (match[1] ?? '').trim().split(' '),
    )
    assert.ok(examples.length > 0, command)
    for (const words of examples) assert.is(weir([...words, '--help']).status, 0, words.join(' '))
  }
})

test('--help-all lists every flag, those of targets too', () => {
  const { stdout } = weir(['run', '--help-all'])
  for (const flag of ['--partition-key', '--durability', '--max-rejects', '--batch-records', '--workers']) assert.match(stdout, flag)
})

test('--version, and no command', () => {
  assert.match(weir(['--version']).stdout, /^\d+\.\d+\.\d+\n$/)
  const { status, stdout } = weir([])
  assert.is(status, 2)
  assert.match(stdout, 'weir run')
})

test('an unknown word is answered with the nearest right one', () => {
  refuses(['run', '-t', 'worker-pol'], 'unknown target "worker-pol": did you mean "worker-pool"?')
  refuses(['run', '-s', 'postgress'], 'unknown store "postgress": did you mean "postgres"?')
  refuses(['run', '-s', 'mysql://host/db'], 'unknown kind of store URL "mysql"')
  refuses(['run', 'stedy'], 'unknown scenario "stedy": did you mean "steady"?')
  refuses(['run', '--profile', 'wbe'], 'unknown profile "wbe": did you mean "web"?')
  refuses(['run', '--format', 'comon'], 'unknown format "comon": did you mean "common"?')
  refuses(['run', '--partition-key', 'adress'], 'unknown partition key "adress": did you mean "address"?')
  refuses(['run', '--recordsperday', '5'], 'unknown flag "--recordsperday": did you mean "--records-per-day"?')
  refuses(['run', '--worker', '5'], 'unknown flag "--worker": did you mean "--workers"?')
  refuses(['rnu'], 'unknown command "rnu": did you mean "run"?')
})

test('commands that are not built are unknown', () => {
  for (const command of ['plan']) refuses([command], `unknown command "${command}"`)
})

test('a bad value names where it came from', () => {
  refuses(['run', '--rate', 'fast'], '--rate: "fast" is not a number; write records per second such as 5000, 50k or 1.5M')
  refuses(['run'], 'WEIR_RATE: "fast" is not a number', { environment: { WEIR_RATE: 'fast' } })
  refuses(['run'], 'weir.config.json: rate: "fast" is not a number', { files: { 'weir.config.json': '{"rate":"fast"}' } })
  refuses(['run'], 'WEIR_STORE: unknown store "postgress": did you mean "postgres"?', { environment: { WEIR_STORE: 'postgress' } })
  refuses(['run', '--start', '2026-02-30'], '--start: "2026-02-30" is not a date that exists')
  refuses(['run', '--json=maybe'], '--json: "maybe" is not a switch')
  refuses(['generate', '--segment', '4/3'], 'segments of 3 are numbered from 1 to 3')
})

test('flags that miss a value, come twice, or contradict each other', () => {
  refuses(['run', '--rate'], '--rate needs a value')
  refuses(['run', '-n', '1k', '-n', '2k'], 'given twice')
  refuses(['run', '-n', '1k', '--duration', '1s'], 'both set the length')
  refuses(['run', 'steady', 'month-end'], 'unexpected "month-end"')
  refuses(['run', '--input', 'x.log', '--seed', '3'], '--seed describes a generated stream')
  refuses(['run', '--keep'], 'add --data DIR')
  refuses(['verify'], 'say where the run lies')
  refuses(['clean', '--yes', '--dry-run'], 'contradict')
})

test('a flag that would be ignored is refused', () => {
  refuses(['run', '-s', 'postgres://h/d', '--keep', '--data', 'kept'], '--data is the folder of an embedded server')
  refuses(['verify', '-s', 'postgres://h/d', '--data', 'kept'], '--data is the folder of an embedded server')
  refuses(['clean', '-s', 'postgres://h/d', '--data', 'kept', '--yes'], '--data is the folder of an embedded server')
  refuses(['run', '--no-latency-leg', '--rate', '5k'], '--rate is for the latency leg')
  refuses(['run', '--no-latency-leg', '--arrivals', 'poisson'], '--arrivals is for the latency leg')
  refuses(['run', '--runs', '1', '--until', '2%'], '--until compares runs with each other')
  refuses(['gate', '--baseline', 'main.json', '--workers', '4'], '--workers cannot go with --baseline')
  refuses(['gate', '--against', 'main', '--out', 'there'], '--out is where labels are looked for')
  refuses(['gate', '--baseline', 'before', '--candidate', 'after', '--out', 'there'], 'no folder there to look for a label')
})

test('a flag goes before a variable that says something else', () => {
  refuses(['gate', '--baseline', 'none.json'], 'none.json', { environment: { WEIR_AGAINST: 'main' } })
  refuses(['gate', '--baseline', 'none.json', '--against', 'main'], 'say what to measure against')
})

test('where a result is to lie is looked at before anything is measured', () => {
  const files = { file: '' }
  refuses(['run', '-s', 'null', '--out', 'file/there'], /--out .*file is a file/, { files })
  refuses(['run', '-s', 'null', '--export-rejects', 'no/such/rejects'], /--export-rejects .*there is no folder .*no.such/)
  refuses(['gate', '--against', 'main', '--junit', 'reports/gate.xml'], /--junit .*there is no folder .*reports/)
})

test('a stream stays within the years there are', () => {
  refuses(['generate', '--records-per-day', '10', '-n', '1M'], 'the stream would end in the year 2299, not in 1970 to 2099')
  refuses(['generate', '--start', '2150-01-01', '-n', '10'], 'the stream would begin in the year 2150')
  refuses(['run', 'month-end', '-s', 'null', '--records-per-day', '10', '-n', '1M'], 'the stream would begin in the year 1889')
})

test('a setting for other commands is left aside and told, in every command that reads the documented file', () => {
  const files = { 'weir.config.json': '{"store":["postgres","clickhouse"],"n":"2M","worker-pool":{"workers":4,"lingerMs":"50ms"}}' }
  const aside = 'weir.config.json: store is left aside'
  refuses(['verify'], new RegExp(`${aside}[^]*say where the run lies`), { files })
  refuses(['gate', '--against', 'no-such-ref'], new RegExp(`${aside}[^]*no-such-ref`), { files })
  refuses(['serve', 'analytics'], aside, { files })
  refuses(['k6', 'receiver-steady', '--keep'], new RegExp(`${aside}[^]*--data`), { files })
  refuses(['gate', '--against', 'main', '-s', 'postgres,clickhouse'], 'unknown store "postgres,clickhouse"')
})

test('what clean destroys is named on the command line: a variable is for other commands too', () => {
  const { status, stderr } = weir(['clean', '--dry-run'], { environment: { WEIR_STORE: 'postgres://weir:hunter2@127.0.0.1:1/x' } })
  assert.is(status, 0, stderr)
  assert.match(stderr, 'WEIR_STORE is left aside: weir clean takes --store from the command line alone')
})

test('no password is repeated', () => {
  const words = [
    ['run', '-s', 'postgres:/weir:hunter2@db/x'],
    ['run', 'postgres://weir:p@hunter2@db/x'],
    ['run', 'postgres://db/x?user=weir&password=hunter2'],
  ]
  for (const each of words) assert.not.match(weir(each).stderr, 'hunter2')
  const { status, stderr } = weir(['run'], { environment: { WEIR_STORE: 'host=db user=weir password=hunter2' } })
  assert.is(status, 2)
  assert.match(stderr, 'WEIR_STORE: that is no store')
  assert.not.match(stderr, 'hunter2')
})

test('--debug is a switch like the others', () => {
  for (const [word, shown] of [
    ['--debug', true],
    ['--debug=true', true],
    ['--debug=false', false],
  ] as const) {
    assert.is(/\n\s+at /.test(weir(['run', '--rate', 'fast', word]).stderr), shown, word)
  }
  assert.match(weir(['run', '--rate', 'fast'], { environment: { WEIR_DEBUG: 'yes' } }).stderr, /\n\s+at /)
})

test('options of targets: for all that have them, for one, and not for others', () => {
  refuses(['run', '-t', 'single-thread', '--workers', '3'], '--workers is an option of worker-pool')
  refuses(['run', '-t', 'worker-pool', '--single-thread.batch-records', '5'], '--single-thread.batch-records is an option of single-thread')
  refuses(['run', '-t', 'single-thread', '--batch-records', '0'], '--batch-records: "0" is too small: at least 1')
  refuses(['run', '-t', 'single-thread'], 'WEIR_SINGLE_THREAD_BATCH_RECORDS: "x" is not a number', {
    environment: { WEIR_SINGLE_THREAD_BATCH_RECORDS: 'x' },
  })
  refuses(['run', '-t', 'single-thread'], 'weir.config.json: single-thread.batchRecords: "x" is not a number', {
    files: { 'weir.config.json': '{"single-thread":{"batchRecords":"x"}}' },
  })
})

test('unknown variables and keys are errors, those of the tests are not', () => {
  refuses(['list'], 'unknown variable "WEIR_STROE": did you mean "WEIR_STORE"?', { environment: { WEIR_STROE: 'null' } })
  refuses(['list'], 'weir.config.json: unknown option "partitonKey": did you mean "partition-key"?', {
    files: { 'weir.config.json': '{"partitonKey":"id"}' },
  })
  refuses(['list'], 'weir.config.json is not JSON', { files: { 'weir.config.json': '{' } })
  refuses(['list', '--config', 'nowhere.json'], '--config: there is no file nowhere.json')
  assert.is(weir(['list'], { environment: { WEIR_REAL_LOGS: '/x', WEIR_TEST_POSTGRES: 'x', WEIR_TEST_ANY: '1' } }).status, 0)
})

test('flag before environment before file', () => {
  const files = { 'weir.config.json': '{"n": 2, "seed": "9"}', 'other.json': '{"n": 5}' }
  const environment = { WEIR_N: '3' }
  const lines = (words: readonly string[], surroundings: Surroundings): number => {
    const { status, stdout, stderr } = weir(['generate', ...words], surroundings)
    assert.is(status, 0, stderr)
    return lineCount(stdout)
  }
  assert.is(lines([], { files }), 2)
  assert.is(lines([], { files, environment }), 3)
  assert.is(lines(['-n', '4'], { files, environment }), 4)
  assert.is(lines(['--config', 'other.json'], { files }), 5)
  assert.is(lines([], { files, environment: { WEIR_CONFIG: 'other.json' } }), 5)
})

test('a stack trace is for --debug', () => {
  assert.match(weir(['run', '--rate', 'fast', '--debug']).stderr, /\n\s+at /)
})

test('generate: clean stdout, the rest on stderr', () => {
  const { status, stdout, stderr } = weir(['generate', '-n', '1000', '-o', '-'])
  assert.is(status, 0)
  assert.is(lineCount(stdout), 1000)
  assert.match(stderr, '1,000 records')
  const thirds = ['1/3', '2/3', '3/3'].map((share) => weir(['generate', '-n', '1000', '--segment', share]).stdout)
  assert.is(thirds.join(''), stdout)
  assert.is(weir(['generate', '-n', '10', '--from', '990', '--start', '2026-01-01']).stdout, stdout.split('\n').slice(-11).join('\n'))
})

test('generate: a reader that goes away ends it quietly', () => {
  const { stdout, stderr, status } = spawnSync(
    'bash',
    ['-c', `"${process.execPath}" "${main}" generate -n 100M | head -n 1; echo "\${PIPESTATUS[0]}"`],
    {
      encoding: 'utf8',
      timeout: 60_000,
    },
  )
  assert.is(status, 0)
  assert.is(stdout.split('\n')[1], '0')
  assert.not.match(stderr, /EPIPE|Error|at /)
})

test('generate: a folder that cannot be one is a clear error', () => {
  const { status, stderr } = weir(['generate', '-n', '10', '-o', 'file'], { files: { file: '' } })
  assert.is(status, 1)
  assert.match(stderr, 'is not a folder')
  assert.not.match(stderr, /\n\s+at /)
})

test('generate: interrupted, it ends with 130', async () => {
  const { status, stderr } = await weirUntil(['generate', '-n', '100G'], 'stdout', (child) => child.kill('SIGINT'))
  assert.is(status, 130)
  assert.match(stderr, 'interrupted')
})

test('list names everything, as text and as JSON', () => {
  const { stdout } = weir(['list'])
  const all = JSON.parse(weir(['list', '--json']).stdout) as Record<string, readonly { readonly name: string; readonly summary: string }[]>
  assert.equal(Object.keys(all), ['targets', 'stores', 'scenarios', 'profiles', 'services', 'k6'])
  for (const { name, summary } of Object.values(all).flat()) {
    assert.match(stdout, name)
    assert.match(stdout, summary)
  }
  for (const name of ['postgres', 'null', 'steady', 'month-end', 'web', 'single-thread', 'processor', 'receiver-soak'])
    assert.match(stdout, name)
})

test('doctor: every fault has a remedy, and the status follows', () => {
  const { status, stdout } = weir(['doctor', '--json'])
  const { works, findings } = JSON.parse(stdout) as {
    readonly works: boolean
    readonly findings: readonly { readonly name: string; readonly state: string; readonly remedy?: string }[]
  }
  assert.is(status, works ? 0 : 1)
  for (const { name, state, remedy } of findings) assert.ok(state !== 'missing' || remedy, name)
  for (const name of ['node', 'embedded Postgres', 'disk', 'fsync', 'cores', 'memory', 'open files', 'psql', 'k6']) {
    assert.ok(
      findings.some((finding) => finding.name === name),
      name,
    )
  }
})

test.run()
