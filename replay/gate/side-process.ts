/** A build's process as the gate sees it: started, asked, and ended. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { gateProtocol, type SideAnswers, type SideReply, type SideRequest, type SideSpec } from './protocol.js'

/** A built Weir. */
export interface Build {
  /** As people call it: 'base (main)', 'candidate'. */
  readonly name: string
  /** dist/cli/main.js */
  readonly main: string
}

/** The two may not be compared: another protocol, another workload, another image or durability. */
export class GateRefusedError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'GateRefusedError'
  }
}

/** A side's process ended or said that it failed. */
export class SideError extends Error {
  constructor(
    readonly build: string,
    message: string,
  ) {
    super(`${build}: ${message}`)
    this.name = 'SideError'
  }
}

/** How long a side may take to end in order before it is ended. */
const closingMs = 10_000
const keptWords = 2000

export class SideProcess {
  private readonly child: ChildProcess
  private words = ''
  private readonly waiting: ((line: string | undefined) => void)[] = []
  private readonly closed: Promise<void>
  private ended = false
  private answered = false

  private constructor(
    readonly build: Build,
    folder: string,
  ) {
    // A process group of its own: a Ctrl-C is for the gate, which then ends the sides in order. If the gate is killed, they see
    // the end of their input.
    this.child = spawn(process.execPath, ['--expose-gc', build.main, 'side'], {
      cwd: folder,
      detached: true,
      env: Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('WEIR_'))),
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    const { stdout, stderr, stdin } = this.child
    stdin?.on('error', () => undefined)
    stderr?.on('data', (chunk: Buffer) => {
      this.words = `${this.words}${chunk.toString()}`.slice(-keptWords)
    })
    if (stdout !== null) createInterface({ input: stdout }).on('line', (line) => this.waiting.shift()?.(line))
    this.closed = new Promise((done) => {
      const end = () => {
        this.ended = true
        for (const answer of this.waiting.splice(0)) answer(undefined)
        done()
      }
      this.child.on('close', end)
      this.child.on('error', (error) => {
        this.words = error.message
        end()
      })
    })
  }

  /**
   * Starts a build and opens its side.
   * @throws GateRefusedError when the build does not speak this protocol
   * @throws SideError when it cannot open the target
   */
  static async open(
    build: Build,
    spec: SideSpec,
    folder: string,
  ): Promise<{ readonly side: SideProcess; readonly facts: SideAnswers['open'] }> {
    const side = new SideProcess(build, folder)
    try {
      const facts = await side.ask({ do: 'open', protocol: gateProtocol, spec })
      return { side, facts }
    } catch (error) {
      await side.end()
      throw error
    }
  }

  /** Asks and waits for the answer. One question at a time. */
  async ask<K extends keyof SideAnswers>(request: SideRequest & { readonly do: K }): Promise<SideAnswers[K]> {
    const line = await new Promise<string | undefined>((done) => {
      if (this.ended) done(undefined)
      else {
        this.waiting.push(done)
        this.child.stdin?.write(`${JSON.stringify(request)}\n`)
      }
    })
    if (line === undefined) throw await this.ending()
    const reply = this.read(line) as SideReply<K>
    this.answered = true
    if (reply.ok) return reply.value
    if (reply.protocol !== undefined) {
      throw new GateRefusedError(
        `${this.build.name} speaks version ${reply.protocol} of the gate's protocol and this build version ${gateProtocol}: they cannot be measured side by side; take a base that is nearer to this build, or weir gate --baseline`,
      )
    }
    throw new SideError(this.build.name, reply.error)
  }

  /** Drops the side's tables and ends its process, in order if that is possible. */
  async close(): Promise<void> {
    if (!this.ended) await Promise.race([this.ask({ do: 'close' }).catch(() => undefined), this.after(closingMs)])
    await this.end()
  }

  /** Ends the process: it sees the end of its input, and is ended if it does not go. */
  private async end(): Promise<void> {
    this.child.stdin?.end()
    await Promise.race([this.closed, this.after(closingMs)])
    if (!this.ended) this.child.kill('SIGKILL')
    await this.closed
  }

  private async after(ms: number): Promise<void> {
    await new Promise<void>((done) => {
      const timer = setTimeout(done, ms)
      void this.closed.then(() => {
        clearTimeout(timer)
        done()
      })
    })
  }

  private read(line: string): SideReply {
    try {
      const reply = JSON.parse(line) as SideReply
      if (typeof reply.ok === 'boolean') return reply
    } catch {
      // Told below.
    }
    throw new GateRefusedError(`${this.build.name} answered something else than a side of a gate does: ${line.slice(0, 200)}`)
  }

  private async ending(): Promise<Error> {
    await this.closed
    const said = lastWords(this.words)
    if (!this.answered && this.child.exitCode === 2) {
      return new GateRefusedError(
        `${this.build.name} is no build that a gate can measure: it does not know the command by which a gate starts it${said === '' ? '' : ` (${said})`}; take a newer base, or weir gate --baseline`,
      )
    }
    const how = this.child.signalCode ?? `status ${this.child.exitCode}`
    return new SideError(this.build.name, `its process ended (${how})${said === '' ? '' : `: ${said}`}`)
  }
}

/** What a process said of its end: the error itself where Node printed one with all around it, otherwise its last lines. */
function lastWords(words: string): string {
  const lines = words.trim().split('\n')
  return lines.findLast((line) => /^\w*Error\b/.test(line)) ?? lines.slice(-3).join('\n')
}
