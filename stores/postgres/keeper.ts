/** The shell that keeps the embedded Postgres: it makes the cluster, runs the server, and outlives Weir for as long as it takes to clean up. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { PostgresError } from './connect.js'
import type { Account, Binaries } from './embedded-binaries.js'

/**
 * Makes the cluster unless it is there, starts the server, and waits for the end of its own input: when Weir says so, or
 * is gone, it stops the server and removes the socket's folder and, if it is a throwaway one, the server's. It runs in a
 * session of its own, so that no signal of the terminal reaches it. It says, a line each: `making`, the server's process
 * id or `failed`, and `ended` should the server end by itself.
 * $1: folder, $2: folder of the socket, $3: 'keep' or 'remove', $4: signal for the end, $5: initdb, $6: postgres, then
 * the server's flags.
 */
const script = `
trap '' INT TERM HUP PIPE
folder=$1; sockets=$2; fate=$3; signal=$4; initdb=$5; postgres=$6; shift 6
exec 3<&0
finish() {
  while read -r line; do :; done <&3
  rm -rf "$sockets"
  [ "$fate" = remove ] && rm -rf "$folder"
  exit 0
}
if [ ! -e "$folder/data/PG_VERSION" ]; then
  echo making
  "$initdb" -D "$folder/data" -U weir --pwfile="$folder/password" --auth-local=trust --auth-host=scram-sha-256 \\
    --encoding=UTF8 --no-locale --no-instructions </dev/null >"$folder/initdb.log" 2>&1 3<&- || { echo failed; finish; }
fi
"$postgres" -D "$folder/data" "$@" </dev/null >>"$folder/server.log" 2>&1 3<&- &
server=$!
echo "$server"
{
  while read -r line; do :; done
  # A server that has only just been started does not listen to signals yet.
  while kill -s "$signal" "$server"; do sleep 1; done
} <&3 >/dev/null 2>&1 &
reader=$!
wait "$server"
kill -s KILL "$reader" 2>/dev/null
wait "$reader" 2>/dev/null
echo ended 2>/dev/null
finish
`

export interface KeeperOptions {
  readonly folder: string
  readonly sockets: string
  readonly fate: 'keep' | 'remove'
  readonly binaries: Binaries
  readonly account: Account | undefined
  readonly settings: Readonly<Record<string, string>>
}

export class Keeper {
  /** True once the server has ended, whyever. */
  ended = false
  /** True when there was no cluster and it had to make one. */
  made = false
  /** The server's process id; undefined when no cluster could be made. */
  readonly server: Promise<number | undefined>
  private readonly child: ChildProcess
  private readonly exited: Promise<unknown>

  constructor({ folder, sockets, fate, binaries, account, settings }: KeeperOptions) {
    const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
    const signal = fate === 'remove' ? 'QUIT' : 'INT'
    const child = spawn(
      'sh',
      ['-c', script, 'weir-postgres', folder, sockets, fate, signal, binaries.initdb, binaries.postgres, ...flags],
      {
        cwd: '/',
        detached: true,
        stdio: ['pipe', 'pipe', 'ignore'],
        env: { ...process.env, LC_ALL: 'C' },
        ...(account === undefined ? {} : { uid: account.uid, gid: account.gid }),
      },
    )
    this.child = child
    this.exited = Promise.race([once(child, 'exit'), new Promise<void>((resolve) => child.once('error', () => resolve()))])
    // It may be gone when it is told to end.
    child.stdin.on('error', () => undefined)
    this.server = new Promise((resolve, reject) => {
      child.once('error', (error) => reject(new PostgresError(`the embedded server's shell could not be started: ${error.message}`)))
      child.once('exit', () => resolve(undefined))
      createInterface(child.stdout).on('line', (line) => {
        if (line === 'making') this.made = true
        else if (line === 'ended') this.ended = true
        else resolve(line === 'failed' ? undefined : Number(line))
      })
    })
    this.server.catch(() => undefined)
  }

  /** Lets Weir end although the keeper still waits for it. */
  unref(): void {
    this.child.unref()
    for (const stream of [this.child.stdin, this.child.stdout]) (stream as unknown as { unref?(): void } | null)?.unref?.()
  }

  /** Has the server stopped and cleaned up after, and waits for it. */
  async end(): Promise<void> {
    this.child.ref()
    this.child.stdin?.end()
    await this.exited
    // Should somebody have killed the keeper itself, its server is still there.
    if (this.child.signalCode === null) return
    const server = await this.server.catch(() => undefined)
    try {
      if (server !== undefined && !this.ended) process.kill(server, 'SIGQUIT')
    } catch {
      // It has ended all the same.
    }
  }
}
