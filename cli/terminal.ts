/** The person at the terminal: notices and progress on stderr, questions, and Ctrl-C. */
import { createInterface } from 'node:readline/promises'
import { isDue, rewrite, type Shown } from '../results/progress.js'

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

export class Terminal {
  private readonly live = process.stderr.isTTY === true
  private shown = false
  private last: Shown | undefined
  private controller: AbortController | undefined

  /** A line that stays. */
  notice(line: string): void {
    this.clear()
    process.stderr.write(`${line}\n`)
  }

  progress(line: string, label: string): void {
    const now = performance.now()
    if (!isDue(this.last, label, now, this.live)) return
    this.last = { atMs: now, label }
    if (!this.live) {
      process.stderr.write(`${line}\n`)
      return
    }
    process.stderr.write(`${rewrite}${line.slice(0, (process.stderr.columns ?? 80) - 1)}`)
    this.shown = true
  }

  /** Takes the progress line away. */
  clear(): void {
    if (this.shown) process.stderr.write(rewrite)
    this.shown = false
  }

  /** Yes or no; undefined when stdin or stderr is no terminal. */
  async ask(question: string): Promise<boolean | undefined> {
    if (process.stdin.isTTY !== true || !this.live) return undefined
    this.clear()
    const reader = createInterface({ input: process.stdin, output: process.stderr })
    try {
      return /^y(?:es)?$/i.test((await reader.question(`${question} [y/N] `, { signal: this.interrupts() })).trim())
    } finally {
      reader.close()
    }
  }

  /** A signal that the first SIGINT, SIGTERM or SIGHUP aborts; the second ends the program at once. */
  interrupts(): AbortSignal {
    if (this.controller) return this.controller.signal
    const controller = new AbortController()
    this.controller = controller
    for (const name of signals) process.on(name, this.onSignal)
    return controller.signal
  }

  /** Gives the signals back, so that a program with nothing left to do can end. */
  release(): void {
    for (const name of signals) process.off(name, this.onSignal)
  }

  private readonly onSignal = (): void => {
    if (this.controller?.signal.aborted === false) {
      this.notice('stopping in order; once more to stop at once')
      this.controller.abort(new Error('interrupted'))
      return
    }
    process.exit(130)
  }
}
