/**
 * The process of the embedded engine: `node main.js` with the environment that `EngineEnvironment` names, in the folder that
 * holds everything. It says on its standard output, as a line of JSON, where it listens or why it cannot, and ends with
 * SIGTERM or when descriptor 3, a pipe that Weir holds, is closed.
 */
import { mkdirSync, realpathSync, writeFileSync } from 'node:fs'
import { type AddressInfo, Socket } from 'node:net'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { configuration, type Durability, engineSessions, engineUser, sessionArguments } from './configuration.js'
import { Engine } from './engine.js'
import { serverFor } from './server.js'

export interface EngineEnvironment {
  readonly WEIR_ENGINE_DURABILITY: Durability
  readonly WEIR_ENGINE_PASSWORD: string
}

export const engineMain = fileURLToPath(import.meta.url)

/** What it says when it listens, or cannot. */
export type FirstWords = { readonly port: number } | { readonly error: string; readonly code?: string }

/** What runs at the end has this long to stop. */
const graceMs = 5000

function say(words: FirstWords): void {
  process.stdout.write(`${JSON.stringify(words)}\n`)
}

async function main(): Promise<void> {
  // Nobody may be there to hear.
  process.stdout.on('error', () => undefined)
  const durability = process.env['WEIR_ENGINE_DURABILITY'] === 'process' ? 'process' : 'power'
  const { Session } = await import('chdb')
  // One for each content, so that a second engine here, which will be refused, changes nothing of the first.
  const file = resolve(`engine-${durability}.xml`)
  writeFileSync(file, configuration(durability))
  mkdirSync('data', { recursive: true })
  const connectionArgs = sessionArguments(durability, file)
  const engine = new Engine(() => new Session(resolve('data'), { connectionArgs }), 'fifo', engineSessions)
  const account = { user: engineUser, password: process.env['WEIR_ENGINE_PASSWORD'] ?? '' }
  const server = serverFor(engine, account, { version: await engine.version(), folder: process.cwd() })

  let ending = false
  const end = async () => {
    if (ending) return
    ending = true
    server.close()
    server.closeAllConnections()
    await engine.close(graceMs)
    process.exit(0)
  }
  process.on('SIGTERM', end)
  const lifeline = new Socket({ fd: 3, readable: true, writable: false })
  for (const event of ['end', 'close', 'error']) lifeline.on(event, end)
  lifeline.resume()
  server.on('error', (error) => {
    say({ error: error.message })
    process.exit(1)
  })
  server.listen(0, '127.0.0.1', () => say({ port: (server.address() as AddressInfo).port }))
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === engineMain) {
  main().catch((error: NodeJS.ErrnoException) => {
    say({ error: error.message, ...(error.code === undefined ? {} : { code: error.code }) })
    process.exit(1)
  })
}
