/** Runs k6 to its end, and hands over each sample of Weir's own metrics as it comes. */
import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { cpuSeconds } from '../accounts/proc.js'
import type { K6Binary } from './binary.js'

/** A value that a script added to a metric. */
export interface Sample {
  readonly metric: string
  readonly value: number
  readonly tags: Readonly<Record<string, string>>
  /** Number of the request, or question, that it belongs to. */
  readonly request: number
}

export interface NotedSpan {
  readonly first: number
  readonly count: number
}

/** What became of records, as a ledger has it: the extension's, or that of the samples. */
export type Noted = { readonly [fate in 'sent' | 'accepted' | 'refused' | 'failed']?: readonly NotedSpan[] }

interface Threshold {
  readonly ok: boolean
}

/** What a script says at its end: scenarios/k6/lib/summary.js. */
export interface K6Summary {
  readonly lines?: { readonly planned: number; readonly lines: number; readonly noted?: Noted }
  readonly questions?: { readonly planned: number }
  readonly metrics: {
    readonly [name: string]: {
      readonly values: { readonly [statistic: string]: number }
      readonly thresholds?: { readonly [expression: string]: Threshold }
    }
  }
}

export interface K6Request {
  readonly k6: K6Binary
  /** Path of the script. */
  readonly script: string
  /** Its variables, without WEIR_ and in small letters. */
  readonly variables: Readonly<Record<string, string>>
  /** The kernel that lines are rendered with. */
  readonly kernel: string
  /** A folder of the run's own. */
  readonly scratch: string
  /** Aborted: k6 is told to stop, and sums up what there was. */
  readonly signal: AbortSignal
  onSample(sample: Sample): void
}

export interface K6Outcome {
  /** 0; 99: a threshold was crossed; 105: it was told to stop; null: it was killed. */
  readonly status: number | null
  /** Undefined when it did not come to its end. */
  readonly summary: K6Summary | undefined
  /** What it said of its troubles, the end of it. */
  readonly said: string
  /** It used, shortly before its end; null where that cannot be known. */
  readonly cpuSeconds: number | null
}

/** k6's own exit statuses (errext/exitcodes). */
export const k6Statuses = { thresholds: 99, stopped: 105 } as const

/** How often its CPU time is looked at, since nobody can once it is gone. */
const lookMs = 200
const saidKept = 4000

export async function runK6({ k6, script, variables, kernel, scratch, signal, onSample }: K6Request): Promise<K6Outcome> {
  const summary = join(scratch, 'summary.json')
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('WEIR_') && !name.startsWith('K6_'))
  const own = Object.entries(variables).map(([name, text]) => [`WEIR_${name.toUpperCase()}`, text])
  const child = spawn(
    k6.path,
    // No server of its own, which would want a fixed port; samples on stdout.
    ['run', '--quiet', '--no-color', '--no-usage-report', '--log-format', 'raw', '--address', '', '--out', 'json=-', script],
    {
      cwd: scratch,
      // A group of its own: Ctrl-C at the terminal reaches Weir alone, which then stops k6 once, in order. When Weir is gone,
      // k6 ends with its next sample, which nobody reads.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...Object.fromEntries([...inherited, ...own]),
        WEIR_SUMMARY: summary,
        WEIR_KERNEL: kernel,
        // It is not to fetch another k6 from elsewhere.
        K6_AUTO_EXTENSION_RESOLUTION: 'false',
      },
    },
  )
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-saidKept)
  })
  const lines = createInterface({ input: child.stdout })
  lines.on('line', (line) => {
    const sample = sampleOf(line)
    if (sample !== undefined) onSample(sample)
  })
  const read = new Promise<void>((done) => lines.once('close', done))
  let used: number | null = null
  const looking = setInterval(() => {
    used = (child.pid === undefined ? null : cpuSeconds(child.pid)) ?? used
  }, lookMs)
  const stop = () => child.kill('SIGINT')
  if (signal.aborted) stop()
  signal.addEventListener('abort', stop, { once: true })
  try {
    const status = await new Promise<number | null>((done, fail) => {
      child.once('error', fail)
      child.once('close', done)
    })
    await read
    return { status, summary: await summaryIn(summary), said: said.trim(), cpuSeconds: used }
  } finally {
    clearInterval(looking)
    signal.removeEventListener('abort', stop)
  }
}

/** Of k6's own metrics, which come with every request, nothing is parsed. */
function sampleOf(line: string): Sample | undefined {
  if (!line.startsWith('{"metric":"weir_') || !line.includes('"type":"Point"')) return undefined
  const { metric, data } = JSON.parse(line) as {
    readonly metric: string
    readonly data: {
      readonly value: number
      readonly tags?: Readonly<Record<string, string>>
      readonly metadata?: { readonly request?: string }
    }
  }
  return { metric, value: data.value, tags: data.tags ?? {}, request: Number(data.metadata?.request ?? 0) }
}

async function summaryIn(file: string): Promise<K6Summary | undefined> {
  const text = await readFile(file, 'utf8').catch(() => undefined)
  return text === undefined ? undefined : (JSON.parse(text) as K6Summary)
}
