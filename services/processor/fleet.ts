/** Processors in processes of their own: starting them, and replacing those that die. */
import { type ChildProcess, fork } from 'node:child_process'
import type { ServicePart } from '../service.js'
import type { FromProcessor, ProcessorOrders, ToProcessor } from './messages.js'
import { processorProcess } from './process.js'
import type { DoneObject } from './processing.js'

export interface ProcessorsOptions {
  readonly processors: number
  readonly orders: ProcessorOrders
  onDone(done: DoneObject): void
  onTrouble(message: string): void
  /** One ended without having been told to: what it had stored without saying so, the store knows. */
  onDied?(): void
}

/** What is in hand is finished before the end, unless it takes longer than this. */
const graceMs = 10_000
/** After which one that could not start is tried again. */
const restartMs = 1000

export class Processors {
  private readonly running = new Map<ChildProcess, string>()
  private readonly children = new Set<ChildProcess>()
  private readonly restarts = new Set<NodeJS.Timeout>()
  private started = 0
  private closing: Promise<void> | undefined

  private constructor(private readonly options: ProcessorsOptions) {}

  /**
   * Resolves when all of them work.
   * @throws Error that says what was wrong; none is left then
   */
  static async start(options: ProcessorsOptions): Promise<Processors> {
    const all = new Processors(options)
    try {
      await Promise.all(Array.from({ length: options.processors }, () => all.add()))
    } catch (error) {
      await all.close()
      throw error
    }
    return all
  }

  /** There may be objects. */
  rouse(): void {
    for (const child of this.running.keys()) tell(child, { kind: 'rouse' })
  }

  parts(): readonly ServicePart[] {
    return [...this.running].flatMap(([child, name]): ServicePart[] =>
      child.pid === undefined ? [] : [{ name, kind: 'process', pid: child.pid, kill: async () => void child.kill('SIGKILL') }],
    )
  }

  /** Has them finish what is in hand. Idempotent. */
  close(): Promise<void> {
    this.closing ??= this.end()
    return this.closing
  }

  private add(): Promise<void> {
    const { orders, onDone, onTrouble } = this.options
    const name = `processor-${++this.started}`
    const child = fork(processorProcess, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], serialization: 'advanced' })
    this.children.add(child)
    return new Promise((resolve, reject) => {
      let trouble = 'it ended before it listened'
      child.on('message', (message: FromProcessor) => {
        if (message.kind === 'done') return onDone(message.done)
        if (message.kind === 'listening') {
          this.running.set(child, name)
          return resolve()
        }
        trouble = message.message
        if (this.running.has(child)) onTrouble(message.message)
      })
      const gone = () => {
        this.children.delete(child)
        const worked = this.running.delete(child)
        if (!worked) reject(new Error(`${name} could not start: ${trouble}`))
        else if (this.closing === undefined) {
          this.options.onDied?.()
          this.replace()
        }
      }
      child.on('error', (error) => {
        trouble = error.message
        // One that was never born does not exit either.
        if (child.pid === undefined) gone()
      })
      child.on('exit', gone)
      tell(child, { kind: 'begin', orders })
    })
  }

  private replace(): void {
    this.add().catch((error: unknown) => {
      if (this.closing !== undefined) return
      this.options.onTrouble(error instanceof Error ? error.message : String(error))
      const timer = setTimeout(() => {
        this.restarts.delete(timer)
        this.replace()
      }, restartMs)
      this.restarts.add(timer)
    })
  }

  private async end(): Promise<void> {
    for (const timer of this.restarts) clearTimeout(timer)
    await Promise.all(
      [...this.children].map(
        (child) =>
          new Promise<void>((resolve) => {
            if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return resolve()
            const timer = setTimeout(() => child.kill('SIGKILL'), graceMs)
            child.once('exit', () => {
              clearTimeout(timer)
              resolve()
            })
            tell(child, { kind: 'stop' })
          }),
      ),
    )
  }
}

function tell(child: ChildProcess, message: ToProcessor): void {
  if (child.connected) child.send(message, () => undefined)
}
