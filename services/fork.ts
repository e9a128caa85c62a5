/** Starts a service in a child process, the parent's side: a separated service, that shares only stores and objects with the others. */
import { type ChildProcess, fork } from 'node:child_process'
import type { FromChild, ToChild } from './own-process.js'
import type { RunningService } from './service.js'

/** Longer than whatever is under way may take: it is answered, or stored, before the end. */
const usualGraceMs = 60_000

export interface ForkOptions<Orders, News> {
  /** For messages: 'analytics service'. */
  readonly name: string
  /** File of the child's program, which calls `serveParent`. */
  readonly program: string
  readonly orders: Orders
  /** After which a child that was told to stop is killed. */
  readonly graceMs?: number
  /** Told what goes wrong within. */
  onTrouble?(message: string): void
  /** Told when the child has ended without being asked to. */
  onLost?(): void
  onNews?(news: News): void
}

export interface ForkedService extends RunningService {
  readonly pid: number
  /** Ends the service, in order; the process stays, for what it used to be read, until `close`. Idempotent. */
  stop(): Promise<void>
}

/**
 * Resolves when the child listens.
 * @throws Error that says what was wrong; no child is left then
 */
export function forkService<Orders, News = never>(options: ForkOptions<Orders, News>): Promise<ForkedService> {
  const { name, program, orders, graceMs = usualGraceMs, onTrouble = () => undefined, onNews, onLost } = options
  const child = fork(program, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  const tell = (message: ToChild<Orders>) => {
    if (child.connected) child.send(message, () => undefined)
  }
  const exited = exitOf(child)
  const stopped = new Promise<void>((resolve) => {
    child.on('message', ({ kind }: FromChild<News>) => {
      if (kind === 'stopped') resolve()
    })
  })
  let ending: Promise<void> | undefined
  let closing = false
  const stop = () => {
    ending ??= (async () => {
      const timer = setTimeout(() => child.kill('SIGKILL'), graceMs)
      tell({ kind: 'stop' })
      await Promise.race([stopped, exited])
      clearTimeout(timer)
    })()
    return ending
  }
  const close = async () => {
    closing = true
    await stop()
    if (child.connected) child.disconnect()
    await exited
  }
  return new Promise((resolve, reject) => {
    let trouble = 'it ended before it listened'
    let listening = false
    child.on('error', ({ message }) => {
      trouble = message
    })
    child.on('message', (message: FromChild<News>) => {
      if (message.kind === 'stopped') return
      if (message.kind === 'news') onNews?.(message.news)
      else if (message.kind === 'listening') {
        listening = true
        resolve({ url: message.url, pid: child.pid ?? 0, stop, close })
      } else if (listening) onTrouble(message.message)
      else trouble = message.message
    })
    void exited.then(() => {
      reject(new Error(`the ${name} could not start: ${trouble}`))
      if (listening && !closing) onLost?.()
    })
    tell({ kind: 'begin', orders })
  })
}

function exitOf(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once('exit', () => resolve())
    child.once('error', () => {
      if (child.pid === undefined) resolve()
    })
  })
}
