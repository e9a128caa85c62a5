/** Starts the analytics service in a child process: the separated service, beside an ingestion that shares only the store. */
import { type ChildProcess, fork } from 'node:child_process'
import type { RunningService } from '../service.js'
import { type AnalyticsOrders, analyticsProcess, type FromAnalytics, type ToAnalytics } from './process.js'

/** Longer than a question may take: what is under way is answered before the end. */
const graceMs = 60_000

export interface ForkedService extends RunningService {
  readonly pid: number
}

/**
 * Resolves when the child listens.
 * @param onTrouble told what goes wrong with the store
 * @throws Error that says what was wrong; no child is left then
 */
export function forkAnalytics(orders: AnalyticsOrders, onTrouble: (message: string) => void = () => undefined): Promise<ForkedService> {
  const child = fork(analyticsProcess, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve())
    child.once('error', () => {
      if (child.pid === undefined) resolve()
    })
  })
  return new Promise((resolve, reject) => {
    let trouble = 'it ended before it listened'
    let listening = false
    child.on('error', ({ message }) => {
      trouble = message
    })
    child.on('message', (message: FromAnalytics) => {
      if (message.kind === 'trouble') {
        trouble = message.message
        if (listening) onTrouble(message.message)
        return
      }
      listening = true
      resolve({ url: message.url, pid: child.pid ?? 0, close: () => end(child, exited) })
    })
    void exited.then(() => reject(new Error(`the analytics service could not start: ${trouble}`)))
    tell(child, { kind: 'begin', orders })
  })
}

async function end(child: ChildProcess, exited: Promise<void>): Promise<void> {
  const timer = setTimeout(() => child.kill('SIGKILL'), graceMs)
  tell(child, { kind: 'stop' })
  await exited
  clearTimeout(timer)
}

function tell(child: ChildProcess, message: ToAnalytics): void {
  if (child.connected) child.send(message, () => undefined)
}
