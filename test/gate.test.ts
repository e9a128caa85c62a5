/** weir gate as CI meets it: a build against itself, one that is slower, one that loses records, a git ref, an end by signal. */
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { copyBuild } from '../scripts/bench/gate-copies.js'
import { main, weir } from './weir.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
let folder: string
let plain: string

test.before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'weir-gate-test-'))
  // Instances of an embedded server run as another user when root starts them.
  chmodSync(folder, 0o755)
  plain = await copyBuild(join(folder, 'plain'), 'none')
})
test.after(() => rmSync(folder, { recursive: true, force: true }))

interface Ran {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

const environment = (extra: Readonly<Record<string, string>>) => ({
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(?:WEIR|GITHUB|GATE)_/.test(name))),
  ...extra,
})

/** A gate with little to do; its candidate is the build of this folder, or this one. */
function gate(words: readonly string[], { cwd = folder, env = {}, program = main } = {}): Ran {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, 'gate', ...words], {
    cwd,
    encoding: 'utf8',
    env: environment(env),
    timeout: 170_000,
  })
  return { status, stdout, stderr }
}

const small = ['--copies', '2', '--pairs', '3', '--block', '1ms', '--durability', 'process', '--batch-records', '4000']

test('a build against itself passes, and says so to people and machines', () => {
  const junit = join(folder, 'gate.xml')
  const summary = join(folder, 'summary.md')
  writeFileSync(summary, '# before\n')
  // Six pairs decide nothing at 99%: a second round makes them twelve.
  const { status, stdout, stderr } = gate(['--against', plain, ...small, '--rounds', '3', '--min-effect', '60%', '--junit', junit], {
    env: { GITHUB_STEP_SUMMARY: summary },
  })
  assert.is(status, 0, stderr)
  assert.match(stderr, 'round 2, as it could not tell: measuring')
  for (const part of [
    'single-thread on postgres',
    'throughput',
    'no regression shown',
    '12 pairs of blocks of 8,000 records by 4 copies of each build in 2 rounds',
    'was audited',
  ])
    assert.match(stdout, part)
  assert.match(readFileSync(junit, 'utf8'), /<testsuites name="weir gate" tests="2" failures="0" errors="0"/)
  assert.match(readFileSync(summary, 'utf8'), /^# before\n### weir gate: [\s\S]*\| single-thread on postgres \|/)
})

test('a build that loses records fails by its audit, not as a regression', async () => {
  const losing = await copyBuild(join(folder, 'losing'), { loses: 5 })
  const { status, stdout, stderr } = gate(['--against', plain, ...small, '--rounds', '3', '--json'], {
    program: join(losing, 'dist/cli/main.js'),
  })
  assert.is(status, 1, stderr)
  const { findings } = JSON.parse(stdout) as { findings: readonly string[] }
  assert.is(findings.length, 2, 'one for each copy, and no further round')
  assert.match(findings[0] ?? '', /^candidate, copy 1: the audit found \d+ lost \(lost at position \d+/)
})

test('a build whose parser rejects valid lines fails by what became of the records, though each side is sound by itself', async () => {
  const rejecting = await copyBuild(join(folder, 'rejecting'), { rejects: 32 })
  const { status, stdout, stderr } = gate(['--against', plain, ...small, '--rounds', '3', '--json'], {
    program: join(rejecting, 'dist/cli/main.js'),
  })
  assert.is(status, 1, stderr)
  const { findings } = JSON.parse(stdout) as { findings: readonly string[] }
  assert.is(findings.length, 2, 'one for each copy, and no further round')
  assert.match(findings[0] ?? '', /^copy 1: of the same [\d,]+ records candidate has [\d,]+ rejected and base \(.*\) 0$/)
})

test('a build that settles records twice fails, where nothing can be read back too', async () => {
  const repeating = await copyBuild(join(folder, 'repeating'), { repeats: 2 })
  const { status, stdout, stderr } = gate(['--against', plain, '-s', 'null', ...small, '--json'], {
    program: join(repeating, 'dist/cli/main.js'),
  })
  assert.is(status, 1, stderr)
  const { findings } = JSON.parse(stdout) as { findings: readonly string[] }
  assert.match(findings[0] ?? '', /^candidate, copy 1: it settled [1-9][\d,]* records twice and 0 that were never offered/)
})

test('a build that is two fifths slower is a regression, and both sides were offered as much', async () => {
  const slower = await copyBuild(join(folder, 'slower'), { slower: 1 / 0.6 })
  // Small batches: the speed of a side would decide how many go into a block.
  const sizes = ['--copies', '3', '--pairs', '8', '--block', '50ms', '--batch-records', '1000']
  const words = ['--against', plain, ...sizes, '--durability', 'process', '--json']
  const { status, stdout, stderr } = gate(words, { program: join(slower, 'dist/cli/main.js') })
  assert.is(status, 3, `${stdout.slice(0, 400)}\n${stderr}`)
  const { rows } = JSON.parse(stdout) as { rows: readonly { word: string; ratio: number }[] }
  assert.is(rows[0]?.word, 'slower')
})

test('builds that cannot be compared are refused with the reason', async () => {
  const old = await copyBuild(join(folder, 'old'), 'none')
  const program = join(old, 'dist/cli/main.js')
  writeFileSync(program, readFileSync(program, 'utf8').replace('[...commands, side]', 'commands'))
  const before = gate(['--against', old, ...small])
  assert.is(before.status, 2, before.stderr)
  assert.match(before.stderr, 'does not know the command by which a gate starts it')
  const other = await copyBuild(join(folder, 'other'), 'none')
  const side = join(other, 'dist/replay/gate/side.js')
  writeFileSync(side, readFileSync(side, 'utf8').replace('workload: await hashOf(source)', "workload: 'other'"))
  const refused = gate(['--against', other, ...small])
  assert.is(refused.status, 2, refused.stderr)
  assert.match(refused.stderr, 'make other records from the same seed')
})

test('what is no build and no ref is a usage error that says what to do', () => {
  for (const [words, said] of [
    [[], /--against BASE .* or --baseline FILE/],
    [['--against', folder], /holds no built Weir/],
    [['--against', 'nowhere'], /no git repository/],
    [['--baseline', 'missing.json'], /there is nothing of that name/],
    [['--baseline', 'x.json', '--copies', '3'], /--copies cannot go with --baseline/],
    [['--against', plain, '-t', 'single-thread,worker-pool'], /one target/],
  ] as const) {
    const { status, stderr } = gate(words)
    assert.is(status, 2, stderr)
    assert.match(stderr, said)
  }
})

test('a stored baseline is measured again here, as advice; one of another workload is refused', () => {
  const ran = weir(['run', '-t', 'single-thread', '-s', 'postgres', '-n', '60k', '--durability', 'process', '--no-latency-leg', '--json'])
  assert.is(ran.status, 0, ran.stderr)
  const file = join(folder, 'baseline.json')
  writeFileSync(file, ran.stdout)
  const { status, stdout, stderr } = gate(['--baseline', file, '--min-effect', '90%'])
  assert.is(status, 0, stderr)
  assert.match(stdout, 'advice: against a stored baseline, by ratio')
  assert.match(stdout, 'throughput over null calibration')
  assert.match(stdout, 'throughput over measured baseline')
  writeFileSync(
    file,
    ran.stdout.replace(/"workloadHash":\s*"[0-9a-f]{8}/, (found) => `${found.slice(0, -8)}00000000`),
  )
  const refused = gate(['--baseline', file])
  assert.is(refused.status, 2, refused.stderr)
  assert.match(refused.stderr, 'single-thread may not be compared with its baseline')
})

/** A repository whose build is this one. */
function repository(): string {
  const place = join(folder, 'repository')
  mkdirSync(place)
  const write = (name: string, text: string) => writeFileSync(join(place, name), text)
  write('package.json', JSON.stringify({ name: 'repository', version: '0.0.0', type: 'module', scripts: { build: 'node build.js' } }))
  write('package-lock.json', '{}')
  write('.gitignore', 'node_modules\ndist\n')
  write('build.js', `import { cpSync } from 'node:fs'\ncpSync(${JSON.stringify(join(plain, 'dist'))}, 'dist', { recursive: true })\n`)
  symlinkSync(join(root, 'node_modules'), join(place, 'node_modules'), 'dir')
  const git = (...words: string[]) =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@localhost', ...words], { cwd: place, stdio: 'pipe' })
  git('init', '-q', '-b', 'main')
  git('add', '-A')
  git('commit', '-q', '-m', 'one')
  return place
}

test('a git ref is built in a worktree that goes again', () => {
  const place = repository()
  const { status, stdout, stderr } = gate(['--against', 'main', ...small, '--min-effect', '60%'], { cwd: place })
  assert.is(status, 0, stderr)
  assert.match(stdout, 'base (main)')
  assert.is(execFileSync('git', ['worktree', 'list'], { cwd: place, encoding: 'utf8' }).trim().split('\n').length, 1)
  const unknown = gate(['--against', 'nobranch', ...small], { cwd: place })
  assert.is(unknown.status, 2)
  assert.match(unknown.stderr, 'git fetch')
  writeFileSync(join(place, 'build.js'), 'console.error("it does not build"); process.exit(4)\n')
  execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@localhost', 'commit', '-qam', 'broken'], { cwd: place })
  const broken = gate(['--against', 'main', ...small], { cwd: place })
  assert.is(broken.status, 2)
  assert.match(broken.stderr, 'it does not build')
  assert.is(execFileSync('git', ['worktree', 'list'], { cwd: place, encoding: 'utf8' }).trim().split('\n').length, 1)
})

/** Starts a gate, sends it a signal once blocks are measured, and waits for its end. */
async function ended(signal: NodeJS.Signals): Promise<{ readonly pid: number; readonly status: number | null }> {
  const child = spawn(process.execPath, [main, 'gate', '--against', plain, '--durability', 'process'], {
    cwd: folder,
    env: environment({}),
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => {
    const before = said.includes('measuring')
    said += chunk.toString()
    if (!before && said.includes('measuring')) child.kill(signal)
  })
  const status = await new Promise<number | null>((done) => child.on('close', done))
  return { pid: child.pid ?? 0, status }
}

const own = (pid: number) => readdirSync(tmpdir()).filter((name) => new RegExp(`^weir-(?:gate|postgres|socket)-${pid}-`).test(name))
const sides = () => {
  const running = execFileSync('ps', ['-axo', 'command='], { encoding: 'utf8' }).split('\n')
  return running.filter((command) => command.includes(join(plain, 'dist/cli/main.js')) && command.trimEnd().endsWith(' side'))
}

test('Ctrl-C ends everything in order', async () => {
  const { pid, status } = await ended('SIGINT')
  assert.is(status, 130)
  assert.equal(own(pid), [])
  assert.equal(sides(), [])
})

test('after a kill the sides end by themselves, and weir clean knows what is left', async () => {
  const { pid } = await ended('SIGKILL')
  for (const begin = Date.now(); sides().length > 0 && Date.now() - begin < 30_000; ) await new Promise((done) => setTimeout(done, 50))
  assert.equal(sides(), [])
  const [scratch = ''] = own(pid).filter((name) => name.startsWith('weir-gate'))
  assert.match(weir(['clean', '--dry-run']).stdout, `folder ${join(tmpdir(), scratch)}, of`)
  rmSync(join(tmpdir(), scratch), { recursive: true })
})

/** The shell of the action's steps, and the names of their variables: enough of YAML for a file of this repository. */
function actionSteps(): readonly { readonly script: string; readonly env: Readonly<Record<string, string>> }[] {
  const text = readFileSync(join(root, 'action.yml'), 'utf8')
  return text
    .split(/^ {4}- name: .*$/m)
    .slice(1)
    .map((step) => {
      const script = (step.split(/^ {6}run: \|$/m)[1] ?? '')
        .split('\n')
        .map((line) => line.replace(/^ {8}/, ''))
        .join('\n')
      return {
        script,
        env: Object.fromEntries(
          [...step.matchAll(/^ {8}(GATE_\w+): \$\{\{ (.*) \}\}$/gm)].map(([, name, source]) => [name ?? '', source ?? '']),
        ),
      }
    })
}

test("the action's steps run in a shell with its inputs", () => {
  const output = join(folder, 'output')
  const junit = join(folder, 'action.xml')
  const inputs: Readonly<Record<string, string>> = {
    against: plain,
    store: 'null',
    'min-effect': '60%',
    junit,
    args: '--copies 2 --pairs 3 --block 1ms --batch-records 4000',
  }
  const values = (env: Readonly<Record<string, string>>) =>
    Object.fromEntries(
      Object.entries(env).map(([name, source]) => [
        name,
        source === 'github.action_path' ? root : (inputs[source.replace('inputs.', '')] ?? ''),
      ]),
    )
  const steps = actionSteps()
  assert.is(steps.length, 2)
  for (const { script, env } of steps) {
    const { status, stderr } = spawnSync('bash', ['-c', script], {
      cwd: folder,
      encoding: 'utf8',
      env: environment({ ...values(env), GITHUB_OUTPUT: output }),
      timeout: 100_000,
    })
    assert.is(status, 0, stderr)
  }
  assert.is(readFileSync(output, 'utf8'), 'status=0\n')
  assert.ok(existsSync(junit))
  assert.match(readFileSync(junit, 'utf8'), 'single-thread on null')
})

test.run()
