/** The processes of the multi-instance target: starting them, telling them of files, replacing those that die. */
import { type ChildProcess, fork } from 'node:child_process'
import type { Part } from '../target.js'
import { instancePath } from './instance.js'
import type { FromInstance, InstanceOrders, ToInstance } from './messages.js'

export interface FleetEvents {
  message(message: FromInstance): void
  /** An instance ended without having been told to. */
  died(owner: string): void
}

export class Fleet {
  private readonly running = new Map<string, ChildProcess>()
  private started = 0
  private closing = false

  constructor(
    private readonly orders: Omit<InstanceOrders, 'owner' | 'index'>,
    private readonly events: FleetEvents,
  ) {}

  get size(): number {
    return this.running.size
  }

  /** Starts one more instance; resolves when it can claim files, rejects when it ends before that. */
  start(): Promise<void> {
    const owner = `instance-${++this.started}`
    const child = fork(instancePath, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], serialization: 'advanced' })
    this.running.set(owner, child)
    return new Promise((resolve, reject) => {
      let trouble = 'it ended before it was ready'
      let ready = false
      child.on('message', (message: FromInstance) => {
        if (message.kind === 'trouble') trouble = message.message
        if (message.kind === 'ready') {
          ready = true
          resolve()
        }
        this.events.message(message)
      })
      child.on('error', (error) => {
        trouble = error.message
        // One that was never born does not exit either.
        if (child.pid !== undefined) return
        this.running.delete(owner)
        reject(new Error(`${owner} of multi-instance could not start: ${trouble}`))
      })
      child.on('exit', () => {
        this.running.delete(owner)
        if (!ready) reject(new Error(`${owner} of multi-instance could not start: ${trouble}`))
        else if (!this.closing && !this.retired.delete(owner)) this.events.died(owner)
      })
      this.tell(child, { kind: 'begin', orders: { ...this.orders, owner, index: this.started } })
    })
  }

  private readonly retired = new Set<string>()

  /** Has the youngest instance finish what it has in hand and go. */
  retire(): void {
    const youngest = [...this.running].at(-1)
    if (youngest === undefined) return
    this.retired.add(youngest[0])
    this.tell(youngest[1], { kind: 'stop' })
  }

  /** Tells all instances that there are files. */
  announce(): void {
    for (const child of this.running.values()) this.tell(child, { kind: 'files' })
  }

  parts(): readonly Part[] {
    return [...this.running].flatMap(([owner, child]): Part[] => {
      const { pid } = child
      return pid === undefined ? [] : [{ name: owner, kind: 'process', pid, kill: async () => void child.kill('SIGKILL') }]
    })
  }

  /** Stops all: first in order, then, after the grace, for good. */
  async close(graceMs = 2000): Promise<void> {
    this.closing = true
    await Promise.all(
      [...this.running.values()].map(
        (child) =>
          new Promise<void>((resolve) => {
            if (child.exitCode !== null || child.signalCode !== null) return resolve()
            const timer = setTimeout(() => child.kill('SIGKILL'), graceMs)
            child.once('exit', () => {
              clearTimeout(timer)
              resolve()
            })
            this.tell(child, { kind: 'stop' })
          }),
      ),
    )
  }

  private tell(child: ChildProcess, message: ToInstance): void {
    if (child.connected) child.send(message, () => undefined)
  }
}
