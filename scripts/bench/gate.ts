/**
 * npm run bench:gate: how often the gate cries wolf, and how often it misses a build whose throughput is 10% lower.
 * A line for each gate goes into a file; started again, it goes on where it stopped.
 */
import { spawn } from 'node:child_process'
import { appendFile, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { cpus, loadavg, tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { binomialBounds, median } from '../../results/statistics.js'
import { temporaryPrefix } from '../../stores/temporary.js'
import { copyBuild } from './gate-copies.js'

const arms = ['same', 'slower'] as const
type Arm = (typeof arms)[number]

/** What the file keeps of a gate. */
interface Line {
  readonly arm: Arm
  /** The gate's flags: gates of other settings are no repetitions. */
  readonly flags: string
  /** Hash of the build that measured itself. */
  readonly build: string
  readonly status: number
  readonly word: string
  readonly ratio: number
  readonly low: number | null
  readonly high: number | null
  readonly copies: number
  readonly pairs: number
  readonly rounds: number
  readonly pairNoise: number | null
  readonly copyNoise: number | null
  readonly seconds: number
  readonly load: number
  readonly findings: readonly string[]
}

interface Outcome {
  readonly measurement: { readonly rounds: number; readonly facts: { readonly base: { readonly weir: { readonly build: string } } } }
  readonly status: number
  readonly seconds: number
  readonly findings: readonly string[]
  readonly decision: {
    readonly word: string
    readonly ratio: number
    readonly interval: { readonly low: number; readonly high: number } | null
    readonly copies: number
    readonly pairs: number
    readonly pairNoise: number | null
    readonly copyNoise: number | null
  } | null
}

/**
 * A block of the slower copy takes so many times as long, so that nine tenths of the throughput are measured: the report says
 * whether. 10/9 would be 0.889 +- 0.006 (78 gates), as the server rests while the copy stands still, and the next block of the
 * other build gains by it.
 */
const slowerTimes = 1.098

const { values, positionals: flags } = parseArgs({
  options: {
    gates: { type: 'string', default: '100' },
    file: { type: 'string', default: 'results/runs/gate-proof.jsonl' },
    report: { type: 'boolean', default: false },
  },
  allowPositionals: true,
})
const gates = Number(values.gates)
const file = resolve(values.file)
if (!(Number.isInteger(gates) && gates > 0)) {
  process.stderr.write(`--gates ${values.gates} is no count; write how many gates each arm is to have\n`)
  process.exit(2)
}

const stop = new AbortController()
process.once('SIGINT', () => stop.abort())
process.once('SIGTERM', () => stop.abort())

if (!values.report) await measure()
process.stdout.write(report(await lines()))

async function measure(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), temporaryPrefix('bench')))
  try {
    await mkdir(dirname(file), { recursive: true })
    const plain = await copyBuild(join(folder, 'plain'), 'none')
    const builds: Readonly<Record<Arm, string>> = {
      same: await copyBuild(join(folder, 'same'), 'none'),
      slower: await copyBuild(join(folder, 'slower'), { slower: slowerTimes }),
    }
    for (;;) {
      const done = await lines()
      const count = (arm: Arm) => done.filter((line) => line.arm === arm).length
      const [next] = [...arms].sort((a, b) => count(a) - count(b))
      if (next === undefined || count(next) >= gates || stop.signal.aborted) return
      const line = await gate(next, builds[next], plain)
      if (line === undefined) return
      await appendFile(file, `${JSON.stringify(line)}\n`)
      process.stderr.write(
        `${next} ${count(next) + 1} of ${gates}: status ${line.status}, ${line.word}, ${line.ratio.toFixed(3)}, ${line.seconds.toFixed(0)} s\n`,
      )
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** One gate, as a user starts it; undefined when it was interrupted. */
async function gate(arm: Arm, candidate: string, base: string): Promise<Line | undefined> {
  const load = loadavg()[0] ?? 0
  const child = spawn(process.execPath, [join(candidate, 'dist/cli/main.js'), 'gate', '--against', base, '--json', ...flags], {
    cwd: dirname(candidate),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const end = () => child.kill('SIGTERM')
  stop.signal.addEventListener('abort', end, { once: true })
  let [out, said] = ['', '']
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString()
  })
  child.stderr.on('data', (chunk: Buffer) => {
    said = `${said}${chunk.toString()}`.slice(-1000)
  })
  await new Promise((done) => child.on('close', done))
  stop.signal.removeEventListener('abort', end)
  if (stop.signal.aborted) return undefined
  if (out === '') throw new Error(`a gate of the arm ${arm} ended without an outcome:\n${said}`)
  const { status, seconds, findings, decision, measurement } = JSON.parse(out) as Outcome
  return {
    arm,
    flags: flags.join(' '),
    build: measurement.facts.base.weir.build,
    status,
    word: decision?.word ?? 'none',
    ratio: decision?.ratio ?? Number.NaN,
    low: decision?.interval?.low ?? null,
    high: decision?.interval?.high ?? null,
    copies: decision?.copies ?? 0,
    pairs: decision?.pairs ?? 0,
    rounds: measurement.rounds,
    pairNoise: decision?.pairNoise ?? null,
    copyNoise: decision?.copyNoise ?? null,
    seconds,
    load,
    findings,
  }
}

/** The gates so far that had these flags. A last line that was cut off by a crash does not count. */
async function lines(): Promise<readonly Line[]> {
  const text = await readFile(file, 'utf8').catch(() => '')
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Line)
    .filter((line) => line.flags === flags.join(' '))
}

function report(all: readonly Line[]): string {
  const of = (arm: Arm) => all.filter((line) => line.arm === arm)
  const percent = (share: number) => `${(100 * share).toFixed(1)}%`
  const among = (seen: number, tries: number) => {
    const { low, high } = binomialBounds(seen, tries)
    return `${seen} of ${tries} (95% bounds ${percent(low)} to ${percent(high)})`
  }
  const rows = [
    `${cpus().length} x ${cpus()[0]?.model.trim()}, flags: ${flags.join(' ') || 'none'}; build ${[...new Set(all.map(({ build }) => build.slice(0, 8)))].join(', ')}`,
  ]
  const [same, slower] = [of('same'), of('slower')]
  if (same.length > 0) rows.push(`a build against itself: false alarms ${among(regressions(same), same.length)}`, described(same))
  if (slower.length > 0) {
    rows.push(`a build with 10% less throughput: caught ${among(regressions(slower), slower.length)}`, described(slower))
  }
  return `${rows.join('\n')}\n`
}

function regressions(some: readonly Line[]): number {
  return some.filter(({ status }) => status === 3).length
}

function described(some: readonly Line[]): string {
  const middle = (pick: (line: Line) => number | null) => {
    const known = some.map(pick).filter((value): value is number => value !== null && Number.isFinite(value))
    return known.length === 0 ? Number.NaN : median(known)
  }
  const logs = some.map(({ ratio }) => Math.log(ratio)).filter(Number.isFinite)
  const mean = logs.reduce((sum, log) => sum + log, 0) / logs.length
  const deviation = Math.sqrt(logs.reduce((sum, log) => sum + (log - mean) ** 2, 0) / Math.max(1, logs.length - 1))
  const words = ['slower', 'faster', 'no regression shown', 'cannot tell'].map(
    (word) => `${word} ${some.filter((line) => line.word === word).length}`,
  )
  const rounds = [...new Set(some.map(({ rounds }) => rounds))].sort((a, b) => a - b)
  const byRounds = rounds.map((number) => `${number}: ${some.filter((line) => line.rounds === number).length}`).join(', ')
  const share = (value: number) => `${(100 * value).toFixed(1)}%`
  return [
    `  ratio ${Math.exp(mean).toFixed(4)} +- ${((2 * deviation) / Math.sqrt(logs.length)).toFixed(4)}; a gate's own standard deviation ${share(deviation)}; ${words.join(', ')}`,
    `  a gate: ${middle(({ seconds }) => seconds).toFixed(1)} s, ${middle(({ copies }) => copies)} copies, ${middle(({ pairs }) => pairs)} pairs (medians), rounds ${byRounds}; noise of a pair ${share(middle(({ pairNoise }) => pairNoise))}, of a copy ${share(middle(({ copyNoise }) => copyNoise))}; load average ${middle(({ load }) => load).toFixed(1)}; findings ${some.filter(({ findings }) => findings.length > 0).length}`,
  ].join('\n')
}
