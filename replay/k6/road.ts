/** The services between k6 and the store, all in processes of their own: receivers, objects, processors; and the one that answers questions. */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { openFolder } from '../../objects/folder.js'
import { forkAnalytics } from '../../services/analytics/fork.js'
import { Processors } from '../../services/processor/fleet.js'
import type { DoneObject } from '../../services/processor/processing.js'
import { processorDefaults } from '../../services/processor/server.js'
import { type RunningReceivers, startReceivers } from '../../services/receiver/instances/start.js'
import { defaultSettings } from '../../services/receiver/server.js'
import { Bell } from '../../stores/bell.js'
import type { Receipt, Store } from '../../stores/store.js'
import type { CountedPart } from '../accounts/cpu.js'
import type { K6Plan } from './plan.js'

export interface RoadOptions {
  readonly plan: Pick<K6Plan, 'script' | 'receiver' | 'instances' | 'processors'>
  /** Prepared. */
  readonly store: Store
  /** A folder of the run's own. */
  readonly scratch: string
  /** Records are stored: told as soon as that is heard of. */
  onStored(done: Pick<DoneObject, 'receipt'>): void
  onTrouble(message: string): void
}

const host = '127.0.0.1'
/** How often the store is asked when a processor has died, which may have stored without saying so. */
const askMs = 500
/** Processors of which nothing was heard for so long, though there are objects, are not waited for any more. */
const patienceMs = 60_000
const filesAtOnce = 1000

export class Road {
  private receivers: RunningReceivers | undefined
  private processors: Processors | undefined
  private analytics: Awaited<ReturnType<typeof forkAnalytics>> | undefined
  /** Nobody else on the machine is to write into the run. */
  private readonly token = randomBytes(16).toString('hex')
  private readonly folder: string
  private readonly done = new Set<string>()
  private readonly news = new Bell()
  private doubt = false

  private constructor(private readonly options: RoadOptions) {
    this.folder = join(options.scratch, 'objects')
  }

  /** @throws Error that says which service did not start and why; none is left then */
  static async open(options: RoadOptions): Promise<Road> {
    const road = new Road(options)
    try {
      await road.start()
      return road
    } catch (error) {
      await road.close()
      throw error
    }
  }

  /** What a script has to know of it. */
  get variables(): Readonly<Record<string, string>> {
    const { receivers, analytics, token } = this
    const first = receivers ?? analytics
    return {
      token,
      ...(first === undefined ? {} : { url: first.url }),
      ...(receivers === undefined || analytics === undefined ? {} : { analytics_url: analytics.url }),
    }
  }

  /** Those that run now, for the accounts. */
  parts(): readonly CountedPart[] {
    const { receivers, processors, analytics } = this
    return [
      ...(receivers?.parts() ?? []),
      ...(processors?.parts() ?? []),
      ...(analytics === undefined ? [] : [{ name: 'analytics', kind: 'process', pid: analytics.pid } as const]),
    ]
  }

  /** Objects that became rows. */
  get objects(): number {
    return this.done.size
  }

  /** Nothing is sent any more: the receivers store what they hold, and go. */
  async stopReceiving(): Promise<void> {
    await this.receivers?.close()
    this.receivers = undefined
  }

  /**
   * Waits until all objects are rows.
   * @returns how many objects are none in the end
   */
  async finish(signal: AbortSignal): Promise<number> {
    if (this.processors === undefined) return 0
    const objects = await openFolder({ folder: this.folder })
    const names = await objects.list('', Number.MAX_SAFE_INTEGER)
    this.processors.rouse()
    for (let [seen, sinceMs] = [this.done.size, performance.now()]; ; ) {
      if (this.doubt) await this.ask().catch(() => undefined)
      const missing = names.filter((name) => !this.done.has(name)).length
      if (missing === 0 || signal.aborted) return missing
      await this.news.nextWithin(askMs)
      if (this.done.size > seen) [seen, sinceMs] = [this.done.size, performance.now()]
      else if (performance.now() - sinceMs > patienceMs) return missing
    }
  }

  /** Idempotent. */
  async close(): Promise<void> {
    // The way that the records go, so that nobody waits for who has gone.
    await this.stopReceiving()
    await this.processors?.close()
    await this.analytics?.close()
    this.processors = undefined
    this.analytics = undefined
  }

  private async start(): Promise<void> {
    const { plan, store, onTrouble } = this.options
    const { token } = this
    const at = { host, port: 0, token }
    if (plan.script.sends !== 'questions') {
      this.receivers = await startReceivers({
        ...at,
        settings: { ...defaultSettings, ...plan.receiver, objects: this.folder, keys: undefined, tls: undefined },
        instances: plan.instances,
        // On one machine its own sharing of connections costs least.
        balancer: 'cluster',
        onTrouble,
      })
      this.processors = await Processors.start({
        processors: plan.processors,
        orders: { ...at, settings: { ...processorDefaults, objects: this.folder }, keys: undefined, address: store.address },
        onDone: (done) => this.take(done.name, done.receipt),
        onTrouble,
        onDied: () => {
          onTrouble('a processor died, and is replaced')
          this.doubt = true
        },
      })
    }
    if (plan.script.sends !== 'lines') {
      this.analytics = await forkAnalytics({ ...at, address: store.address }, (message) => onTrouble(`analytics: ${message}`))
    }
  }

  /** An object became rows; told once. */
  private take(name: string, receipt: Receipt): void {
    if (this.done.has(name)) return
    this.done.add(name)
    this.options.onStored({ receipt })
    this.news.ring()
  }

  /** What the store knows to be stored. */
  private async ask(): Promise<void> {
    const { logfiles } = this.options.store
    if (logfiles === undefined) return
    for (let after = 0; ; ) {
      const files = await logfiles.registered(after, filesAtOnce)
      const silent = new Map(files.filter(({ path, done }) => done && !this.done.has(path)).map(({ id, path }) => [id, path]))
      for (const { id, receipt } of await logfiles.outcomes([...silent.keys()])) this.take(silent.get(id) ?? '', receipt)
      const last = files.at(-1)
      if (last === undefined || files.length < filesAtOnce) return
      after = last.id
    }
  }
}
