/** The shell that keeps a balancer: it runs it, passes signals on to it, and ends it when Weir is gone, however that came about. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

/**
 * Waits for a line, runs the program, and reads on, a line each: names of signals for the program, or `bye`. At the end of
 * its input, also when that comes first, it kills the program and removes the folder. It runs in a session of its own, so that
 * no signal of the terminal reaches either. It says the program's process id, and `ended` when the program has.
 * $1: folder, then the program and its arguments.
 */
const script = `
trap '' INT TERM HUP PIPE
folder=$1; shift
read -r go || { rm -rf "$folder"; exit 0; }
exec 3<&0
"$@" </dev/null >/dev/null 3<&- &
program=$!
echo "$program"
{
  while read -r signal; do kill -s "$signal" "$program"; done
  kill -s KILL "$program"
} <&3 >/dev/null 2>&1 &
reader=$!
exec 2>/dev/null
wait "$program"
kill -s KILL "$reader"
wait "$reader"
echo ended
while read -r line; do [ "$line" = bye ] && exit 0; done <&3
rm -rf "$folder"
`

/** What a program that cannot start says fits into this. */
const mostSaid = 4_000

export class BalancerKeeper {
  /** The program's process id, while it runs and the shell has said it. */
  pid: number | undefined
  /** Resolves when the program has ended, whyever, with the last that it said on stderr. */
  readonly ended: Promise<string>
  private readonly child: ChildProcess
  private readonly exited: Promise<void>

  /** From now on the folder is gone when Weir is. */
  constructor(folder: string, command: readonly string[]) {
    const child = spawn('sh', ['-c', script, 'weir-balancer', folder, ...command], {
      cwd: '/',
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    this.child = child
    // It may be gone when it is told something.
    child.stdin.on('error', () => undefined)
    let said = ''
    child.stderr.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-mostSaid)
    })
    this.exited = new Promise((done) => {
      child.once('error', ({ message }) => {
        said = message
        done()
      })
      child.once('exit', () => done())
    })
    const silent = new Promise<void>((done) => child.stderr.once('end', done))
    this.ended = new Promise((done) => {
      createInterface(child.stdout).on('line', (line) => {
        if (line !== 'ended') {
          this.pid = Number(line)
          return
        }
        this.pid = undefined
        void silent.then(() => done(said.trim()))
      })
      // Should somebody have killed the shell itself, its program is still there.
      void this.exited.then(() => {
        this.kill()
        done(said.trim())
      })
    })
  }

  /** Has the program started. */
  run(): void {
    this.child.stdin?.write('go\n')
  }

  signal(name: string): void {
    this.child.stdin?.write(`${name}\n`)
  }

  /** To be called when the program has ended and another takes its place in the folder. */
  leaveFolder(): void {
    this.child.stdin?.end('bye\n')
  }

  /** Kills the program if it is still there, and has the folder removed. */
  async end(): Promise<void> {
    this.child.stdin?.end()
    await this.exited
  }

  kill(): void {
    try {
      if (this.pid !== undefined) process.kill(this.pid, 'SIGKILL')
    } catch {
      // It has ended already.
    }
  }
}
