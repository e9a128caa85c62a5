/** weir generate as a user runs it: one worker on one core and two workers on two, into /dev/null, interleaved; with its largest resident set. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { median } from '../../results/statistics.js'
import { interleave, ratioText, thousands } from './interleave.js'

const main = fileURLToPath(new URL('../../cli/main.js', import.meta.url))
const records = 120_000_000
const pairs = 5

interface Seen {
  readonly rate: number
  readonly peakBytes: number
}

/** Runs generate on a set of cores (by taskset, where there is one) and watches how much memory it holds. */
async function generated(workers: number, cores: string): Promise<Seen> {
  const sink = openSync('/dev/null', 'w')
  const begin = performance.now()
  const child = spawn('taskset', ['-c', cores, process.execPath, main, 'generate', '-n', String(records), '--workers', String(workers)], {
    stdio: ['ignore', sink, 'ignore'],
  })
  let peakBytes = 0
  const watch = setInterval(() => {
    try {
      const kilobytes = /^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${child.pid}/status`, 'latin1'))?.[1]
      peakBytes = Math.max(peakBytes, Number(kilobytes ?? 0) * 1024)
    } catch {
      // It has just ended.
    }
  }, 100)
  const [status] = (await once(child, 'exit')) as [number | null]
  clearInterval(watch)
  closeSync(sink)
  if (status !== 0) throw new Error(`weir generate ended with ${status}`)
  return { rate: (records * 1000) / (performance.now() - begin), peakBytes }
}

export async function generateBench(): Promise<string> {
  let peak = 0
  const run = async (workers: number, cores: string) => {
    const { rate, peakBytes } = await generated(workers, cores)
    peak = Math.max(peak, peakBytes)
    return rate
  }
  const seen = await interleave({ name: 'two workers', run: () => run(2, '0,1') }, { name: 'one worker', run: () => run(1, '0') }, pairs)
  const rate = median(seen.map(([, one]) => one))
  return [
    `generate, one core, start of Node included: ${thousands(rate)} lines/s, median of ${pairs} (wanted: at least 5,000,000)`,
    `generate, two workers on two cores / one on one: ${ratioText(seen)} (wanted: at least 1.8)`,
    `generate, largest resident set: ${(peak / 1e6).toFixed(0)} MB (wanted: at most 150)`,
  ].join('\n')
}
