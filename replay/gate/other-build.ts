/** A build of Weir as a process of its own, asked over its standard input: one side of a gate. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Answer, AskAudit, AskBlock, AskOpen, AskTables, Audited, BlockDone, Opened } from './protocol.js'

/** After its input is closed a side has this long to drop what it made. */
const graceMs = 20_000
/** What is kept of what a side says on its standard error. */
const keptWords = 2000

/** A side that could not be started, or could not do what it was asked. */
export class SideError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'SideError'
  }
}

export class OtherBuild {
  private readonly child: ChildProcess
  private readonly lines: AsyncIterator<string>
  private readonly exited: Promise<unknown>
  private words = ''

  /** @param name 'base' or 'candidate'; @param main the build's cli/main.js */
  constructor(
    readonly name: string,
    private readonly main: string,
  ) {
    // In a group of its own: a Ctrl-C at the terminal is for the gate, which then ends its sides in order.
    const child = spawn(process.execPath, [main, 'side'], { detached: true, stdio: ['pipe', 'pipe', 'pipe'] })
    this.child = child
    this.exited = Promise.race([once(child, 'exit'), once(child, 'error').catch(() => undefined)])
    this.exited.catch(() => undefined)
    child.stdin.on('error', () => undefined)
    child.stderr.on('data', (chunk: Buffer) => {
      this.words = (this.words + chunk.toString()).slice(-keptWords)
    })
    this.lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  }

  open(question: Omit<AskOpen, 'do'>): Promise<Opened> {
    return this.ask({ do: 'open', ...question }) as Promise<Opened>
  }

  async tables(question: Omit<AskTables, 'do'>): Promise<void> {
    await this.ask({ do: 'tables', ...question })
  }

  block(question: Omit<AskBlock, 'do'>): Promise<BlockDone> {
    return this.ask({ do: 'block', ...question }) as Promise<BlockDone>
  }

  audit(): Promise<Audited> {
    return this.ask({ do: 'audit' }) as Promise<Audited>
  }

  /** Ends it in order; kills it when it takes too long. */
  async close(): Promise<void> {
    this.child.stdin?.end()
    const late = setTimeout(() => this.child.kill('SIGKILL'), graceMs)
    await this.exited
    clearTimeout(late)
  }

  private async ask(question: AskOpen | AskTables | AskBlock | AskAudit): Promise<Answer> {
    this.child.stdin?.write(`${JSON.stringify(question)}\n`)
    const { value, done } = await this.lines.next()
    if (done || value === undefined) throw new SideError(`the ${this.name} (${this.main}) ended: ${this.lastWords()}`)
    const answer = JSON.parse(value as string) as Answer
    if ('error' in answer) throw new SideError(`the ${this.name} (${this.main}): ${answer.error}`)
    return answer
  }

  private lastWords(): string {
    if (/unknown command|there is no command|is no command/i.test(this.words))
      return 'it knows no gate; a build that is compared must be as new as that'
    return this.words.trim().split('\n').slice(-3).join('; ') || 'it said nothing'
  }
}
