/** The shell that keeps the embedded engine: it runs it, and outlives Weir for as long as it takes to clean up. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

/**
 * Starts the engine and waits for the end of its own input: when Weir says so, or is gone, it stops the engine and removes
 * a throwaway folder. It runs in a session of its own, so that no signal of the terminal reaches it. It says, a line each:
 * the engine's process id, what the engine says, and `ended` should the engine end by itself. The engine holds the pipe as
 * well, as descriptor 3, and ends with it even without the keeper.
 * $1: folder, $2: 'keep' or 'remove', $3: node, $4: the engine's main.js
 */
const script = `
trap '' INT TERM HUP PIPE
folder=$1; fate=$2; node=$3; main=$4
exec 3<&0
cd "$folder" || exit 1
# A signal that is ignored here would be ignored there.
(trap - TERM; exec "$node" "$main" "$folder") </dev/null 2>>"$folder/engine.log" &
engine=$!
echo "$engine"
{
  # Whoever keeps the folder from going is not this.
  cd /
  while read -r line; do :; done
  # What goes with the engine need not be left in order.
  if [ "$fate" = remove ]; then kill -s KILL "$engine"; else
    kill -s TERM "$engine"
    trap 'kill -s KILL $! 2>/dev/null; exit 0' USR1
    sleep 15 &
    wait "$!"
    kill -s KILL "$engine"
  fi
} <&3 >/dev/null 2>&1 &
reader=$!
wait "$engine"
kill -s USR1 "$reader" 2>/dev/null
wait "$reader" 2>/dev/null
echo ended 2>/dev/null
exec >/dev/null
while read -r line; do :; done <&3
cd /
[ "$fate" = remove ] && rm -rf "$folder"
exit 0
`

export interface KeeperOptions {
  readonly folder: string
  readonly fate: 'keep' | 'remove'
  /** The file that Node runs as the engine. */
  readonly main: string
  readonly environment: Readonly<Record<string, string>>
}

export class Keeper {
  /** True once the engine has ended, whyever. */
  ended = false
  /** The engine's process id. */
  readonly pid: Promise<number>
  /** The first line that the engine says; undefined when it ends without a word. */
  readonly firstWords: Promise<string | undefined>
  private readonly child: ChildProcess
  private readonly exited: Promise<unknown>

  constructor({ folder, fate, main, environment }: KeeperOptions) {
    const child = spawn('sh', ['-c', script, 'weir-clickhouse', folder, fate, process.execPath, main], {
      cwd: '/',
      detached: true,
      stdio: ['pipe', 'pipe', 'ignore'],
      env: { ...process.env, ...environment },
    })
    this.child = child
    this.exited = Promise.race([once(child, 'exit'), new Promise<void>((resolve) => child.once('error', () => resolve()))])
    // It may be gone when it is told to end.
    child.stdin.on('error', () => undefined)
    const lines: ((line: string | undefined) => void)[] = []
    const next = () => new Promise<string | undefined>((resolve) => lines.push(resolve))
    const failed = new Promise<never>((_, reject) => {
      child.once('error', (error) => reject(new Error(`the embedded engine's shell could not be started: ${error.message}`)))
    })
    this.pid = Promise.race([next().then(Number), failed])
    this.firstWords = next()
    for (const promise of [this.pid, failed]) promise.catch(() => undefined)
    createInterface(child.stdout)
      .on('line', (line) => {
        if (line === 'ended') this.ended = true
        lines.shift()?.(line === 'ended' ? undefined : line)
      })
      .on('close', () => {
        for (const resolve of lines.splice(0)) resolve(undefined)
      })
  }

  /** Lets Weir end although the keeper still waits for it. */
  unref(): void {
    this.child.unref()
    for (const stream of [this.child.stdin, this.child.stdout]) (stream as unknown as { unref?(): void } | null)?.unref?.()
  }

  /** Has the engine stopped and cleaned up after, and waits for it. */
  async end(): Promise<void> {
    this.child.ref()
    this.child.stdin?.end()
    await this.exited
    // Should somebody have killed the keeper itself, its engine ends with the pipe; nobody else says when.
    if (this.child.signalCode === null) return
    const pid = await this.pid.catch(() => 0)
    for (let tries = 0; pid > 0 && alive(pid) && tries < 400; tries++) await new Promise((resolve) => setTimeout(resolve, 25))
    if (pid > 0 && alive(pid)) process.kill(pid, 'SIGKILL')
  }
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
