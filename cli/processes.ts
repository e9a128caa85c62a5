/** The machine's processes: number, age and command line of each. */
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

export interface Process {
  readonly pid: number
  /** Milliseconds since the epoch, to the second or better. */
  readonly startedMs: number
  readonly command: string
}

/** Those that may be seen; /proc on Linux, ps elsewhere. */
export function processes(): readonly Process[] {
  return process.platform === 'linux'
    ? fromProc()
    : fromPs(execFileSync('ps', ['-axo', 'pid=,etime=,command='], { encoding: 'utf8' }), Date.now())
}

/** Clock ticks a second in /proc: the kernel's interface fixes it at 100. */
const ticksPerSecond = 100

function fromProc(): readonly Process[] {
  const bootMs = Number(/^btime (\d+)$/m.exec(readFileSync('/proc/stat', 'latin1'))?.[1] ?? 0) * 1000
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return []
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'latin1')
      // After the name in parentheses, which may hold anything, the state is field 3 and the start field 22.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      if (fields[0] === 'Z') return []
      const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
      return [{ pid: Number(name), startedMs: bootMs + (Number(fields[19]) * 1000) / ticksPerSecond, command }]
    } catch {
      return []
    }
  })
}

/** Reads `ps -o pid=,etime=,command=`; etime is [[days-]hours:]minutes:seconds. */
export function fromPs(output: string, nowMs: number): readonly Process[] {
  return [...output.matchAll(/^\s*(\d+)\s+(?:(?:(\d+)-)?(\d+):)?(\d+):(\d+)\s+(.*)$/gm)].map(
    ([, pid, days, hours, minutes, seconds, command]) => ({
      pid: Number(pid),
      startedMs: nowMs - 1000 * (((Number(days ?? 0) * 24 + Number(hours ?? 0)) * 60 + Number(minutes)) * 60 + Number(seconds)),
      command: command ?? '',
    }),
  )
}
