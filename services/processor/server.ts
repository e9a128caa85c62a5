/** Starts a processor between a place of objects and a run's tables: in this process, whoever's it is. */
import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { openObjects } from '../../objects/index.js'
import type { Keyring } from '../../objects/keys.js'
import type { Store } from '../../stores/store.js'
import { listen } from '../listening.js'
import type { RunningService } from '../service.js'
import { type ProcessorApp, processorApp } from './app.js'
import { type DoneObject, Processing } from './processing.js'

export interface ProcessorSettings {
  /** A folder, made if it is not there, or s3://bucket/prefix. */
  readonly objects: string
  readonly keys: Keyring | undefined
  readonly leaseMs: number
  readonly pollMs: number
  readonly removes: boolean
}

export interface ProcessorOptions {
  readonly settings: ProcessorSettings
  /** Prepared; stays its owner's, who closes it after the service. */
  readonly store: Store
  readonly host: string
  readonly port: number
  readonly token?: string | undefined
  onDone?(done: DoneObject): void
  onTrouble?(message: string): void
}

export interface RunningProcessor extends RunningService {
  /** There may be objects: otherwise it looks by itself, now and then. */
  rouse(): void
}

export const processorDefaults: Omit<ProcessorSettings, 'objects' | 'keys'> = { leaseMs: 5_000, pollMs: 250, removes: false }

/**
 * Resolves when it listens and works.
 * @throws Error that says what was wrong and what to do; nothing listens then
 */
export async function startProcessor(options: ProcessorOptions): Promise<RunningProcessor> {
  const { settings, store, host, port, token, onDone, onTrouble } = options
  const objects = await openObjects({ place: settings.objects })
  let served: ProcessorApp | undefined
  const processing = new Processing({
    ...settings,
    objects,
    store,
    owner: `${hostname()}:${process.pid}:${randomBytes(4).toString('hex')}`,
    onDone: (done) => {
      served?.done(done)
      onDone?.(done)
    },
    ...(onTrouble === undefined ? {} : { onTrouble }),
  })
  const end = async () => {
    served?.drain()
    await processing.stop()
    await served?.app.close()
    await objects.close()
  }
  try {
    // The store is asked once, so that one that is not there or not prepared is told of now.
    await store.logfiles?.registered(0, 1)
    served = await processorApp({ processing, token, ...(onTrouble === undefined ? {} : { onTrouble }) })
    const url = await listen(served.app, host, port)
    processing.start()
    let ending: Promise<void> | undefined
    return {
      url,
      rouse: () => processing.rouse(),
      close() {
        ending ??= end()
        return ending
      },
    }
  } catch (error) {
    await end()
    throw error
  }
}
