/** The processes of a receiver with several instances: starting them, replacing those that die, and what they ask of each other. */
import type { ChildProcess } from 'node:child_process'
import type { ServicePart } from '../../service.js'
import type { Metrics } from '../server.js'
import { Tally } from '../siblings.js'
import type { Door } from './door.js'
import type { FromInstance, InstanceOrders, Question, ToInstance } from './messages.js'
import { MetricsSum } from './sum.js'

export interface FleetOptions {
  readonly door: Door
  readonly instances: number
  readonly orders: Omit<InstanceOrders, 'place'>
  onTrouble(message: string): void
}

/** One that dies young, again and again, is given longer and longer before it is started again. */
const firstWaitMs = 50
const lastWaitMs = 5_000
const youngMs = 10_000
/** One that does not tell its metrics within this time counts with those that it told before. */
const reportMs = 2_000

interface Instance {
  readonly index: number
  readonly child: ChildProcess
  readonly exited: Promise<void>
  listening: boolean
  lastMetrics: Metrics
}

export class Fleet {
  private readonly running = new Map<number, Instance>()
  private readonly waits = new Map<number, number>()
  private readonly timers = new Set<NodeJS.Timeout>()
  private readonly reports = new Map<number, { readonly of: Instance; done(metrics: Metrics): void }>()
  private readonly tally = new Tally()
  private readonly sum = new MetricsSum()
  private asked = 0
  private closing = false

  constructor(private readonly options: FleetOptions) {}

  /** Resolves when all of them listen. @throws Error that says what was wrong; `close` is still to be called then */
  async start(): Promise<void> {
    await Promise.all(Array.from({ length: this.options.instances }, (_, i) => this.startOne(i + 1)))
  }

  parts(): readonly ServicePart[] {
    return [...this.running.values()]
      .sort((a, b) => a.index - b.index)
      .flatMap(({ index, child, listening }): ServicePart[] => {
        const { pid } = child
        if (pid === undefined || !listening) return []
        return [{ name: nameOf(index), kind: 'process', pid, kill: async () => void child.kill('SIGKILL') }]
      })
  }

  /** Has all of them answer what is under way, store what they have, and go; waits for it. */
  async close(): Promise<void> {
    this.closing = true
    for (const timer of this.timers) clearTimeout(timer)
    await Promise.all(
      [...this.running.values()].map(({ child, exited }) => {
        tell(child, { kind: 'stop' })
        return exited
      }),
    )
  }

  private startOne(index: number): Promise<void> {
    const { door, orders } = this.options
    const child = door.fork(index)
    const began = performance.now()
    return new Promise((resolve, reject) => {
      let trouble = 'it ended before it listened'
      const exited = new Promise<void>((gone) => {
        const end = () => {
          this.running.delete(index)
          for (const report of [...this.reports.values()]) if (report.of === instance) report.done([])
          gone()
          if (instance.listening) this.died(instance, performance.now() - began)
          else reject(new Error(`${nameOf(index)} of the receiver could not start: ${trouble}`))
        }
        // What it said last may come after its end.
        child.once('exit', () => (child.connected ? child.once('disconnect', end) : end()))
        child.on('error', (error) => {
          trouble = error.message
          // One that was never born does not exit either.
          if (child.pid === undefined) end()
        })
      })
      const instance: Instance = { index, child, exited, listening: false, lastMetrics: [] }
      this.running.set(index, instance)
      child.on('message', (message: FromInstance) => {
        if (message.kind === 'here') {
          tell(child, this.closing ? { kind: 'stop' } : { kind: 'begin', orders: { ...orders, place: door.place(index) } })
        } else if (message.kind === 'listening') {
          instance.listening = true
          resolve()
        } else if (message.kind === 'report') {
          instance.lastMetrics = message.metrics
          this.reports.get(message.id)?.done(message.metrics)
        } else if (message.kind === 'question') void this.answer(child, message.id, message.question)
        else if (instance.listening) this.options.onTrouble(`${nameOf(index)}: ${message.message}`)
        else trouble = message.message
      })
    })
  }

  private died({ index, child, lastMetrics }: Instance, livedMs: number): void {
    this.sum.depart(lastMetrics)
    const how = child.signalCode ?? `status ${child.exitCode}`
    if (this.closing) {
      if (child.exitCode !== 0) this.options.onTrouble(`${nameOf(index)} ended by ${how}; the next start stores what it acknowledged`)
      return
    }
    this.options.onTrouble(`${nameOf(index)} ended by ${how}, and is started again`)
    if (livedMs >= youngMs) this.waits.delete(index)
    this.startAgain(index)
  }

  private startAgain(index: number): void {
    const waitMs = this.waits.get(index) ?? firstWaitMs
    this.waits.set(index, Math.min(lastWaitMs, waitMs * 2))
    const timer = setTimeout(() => {
      this.timers.delete(timer)
      this.startOne(index).catch((error: Error) => {
        if (this.closing) return
        this.options.onTrouble(error.message)
        this.startAgain(index)
      })
    }, waitMs)
    this.timers.add(timer)
  }

  private async answer(child: ChildProcess, id: number, question: Question): Promise<void> {
    const answer = question.kind === 'count' ? this.tally.count(question.address) : await this.metrics()
    tell(child, { kind: 'answer', id, answer })
  }

  private async metrics(): Promise<string> {
    const listening = [...this.running.values()].filter((instance) => instance.listening)
    const reports = await Promise.all(listening.map((instance) => this.report(instance)))
    // Who died meanwhile counts among the departed.
    return this.sum.text(reports.filter((_, i) => this.running.get(listening[i]?.index ?? 0) === listening[i]))
  }

  private report(instance: Instance): Promise<Metrics> {
    const id = ++this.asked
    return new Promise((resolve) => {
      const done = (metrics: Metrics) => {
        clearTimeout(timer)
        this.reports.delete(id)
        resolve(metrics)
      }
      const timer = setTimeout(() => done(instance.lastMetrics), reportMs)
      this.reports.set(id, { of: instance, done })
      tell(instance.child, { kind: 'report', id })
    })
  }
}

function nameOf(index: number): string {
  return `instance-${index}`
}

function tell(child: ChildProcess, message: ToInstance): void {
  if (child.connected) child.send(message, () => undefined)
}
