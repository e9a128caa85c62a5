/** The services between k6 and the store, each in a process of its own: receiver, objects, processor; and the one that answers questions. */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { openFolder } from '../../objects/folder.js'
import { forkAnalytics } from '../../services/analytics/fork.js'
import type { ForkedService } from '../../services/fork.js'
import { forkProcessor } from '../../services/processor/fork.js'
import type { DoneObject } from '../../services/processor/processing.js'
import { processorDefaults } from '../../services/processor/server.js'
import { forkReceiver } from '../../services/receiver/fork.js'
import { defaultSettings } from '../../services/receiver/server.js'
import { Bell } from '../../stores/bell.js'
import type { StoreAddress } from '../../stores/store.js'
import type { CountedPart } from '../accounts/cpu.js'
import type { K6Plan } from './plan.js'

export interface RoadOptions {
  readonly plan: Pick<K6Plan, 'script' | 'receiver'>
  /** Of tables that are prepared. */
  readonly address: StoreAddress
  /** A folder of the run's own. */
  readonly scratch: string
  /** Records are stored: told as soon as that is heard of. */
  onStored(done: DoneObject): void
  onTrouble(message: string): void
}

const host = '127.0.0.1'
/** How often a processor that says nothing is asked for objects that it refuses. */
const askMs = 500
/** A processor of which nothing was heard for so long, though there are objects, is not waited for any more. */
const patienceMs = 60_000

export class Road {
  private readonly services: { readonly name: string; readonly service: ForkedService }[] = []
  private receiver: ForkedService | undefined
  private processor: ForkedService | undefined
  private analytics: ForkedService | undefined
  /** Nobody else on the machine is to write into the run. */
  private readonly token = randomBytes(16).toString('hex')
  private readonly folder: string
  private readonly done = new Set<string>()
  private readonly news = new Bell()
  /** A service that was needed is no more. */
  lost: string | undefined

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
    const { receiver, analytics, token } = this
    const first = receiver ?? analytics
    return {
      token,
      ...(first === undefined ? {} : { url: first.url }),
      ...(receiver === undefined || analytics === undefined ? {} : { analytics_url: analytics.url }),
    }
  }

  /** For the accounts. */
  parts(): readonly CountedPart[] {
    return this.services.map(({ name, service: { pid } }) => ({ name, kind: 'process', pid }))
  }

  /** Objects that became rows. */
  get objects(): number {
    return this.done.size
  }

  /**
   * Nothing is sent any more: has the receiver store what it holds, and waits until all objects are rows.
   * @returns how many objects are none in the end
   */
  async finish(signal: AbortSignal): Promise<number> {
    await this.receiver?.stop()
    const { processor } = this
    if (processor === undefined) return 0
    const objects = await openFolder({ folder: this.folder })
    const names = await objects.list('', Number.MAX_SAFE_INTEGER)
    let [seen, sinceMs] = [this.done.size, performance.now()]
    for (;;) {
      const missing = names.filter((name) => !this.done.has(name)).length
      if (missing === 0 || this.lost !== undefined || signal.aborted || (await this.refused(processor)) >= missing) return missing
      await this.news.nextWithin(askMs)
      if (this.done.size > seen) [seen, sinceMs] = [this.done.size, performance.now()]
      else if (performance.now() - sinceMs > patienceMs) return missing
    }
  }

  /** Idempotent. */
  async close(): Promise<void> {
    // The way that the records go, so that nobody waits for who has gone.
    for (const { service } of this.services.splice(0)) await service.close()
  }

  private async start(): Promise<void> {
    const { plan, address, onTrouble } = this.options
    const { token } = this
    const at = { host, port: 0, token }
    const hooks = (name: string) => ({
      onTrouble: (message: string) => onTrouble(`${name}: ${message}`),
      onLost: () => {
        this.lost = `the ${name} has ended before the run did`
        this.news.ring()
      },
    })
    if (plan.script.sends !== 'questions') {
      const settings = { ...defaultSettings, ...plan.receiver, objects: this.folder }
      this.receiver = await this.add('receiver', forkReceiver({ ...at, settings }, hooks('receiver')))
      const onDone = (done: DoneObject) => {
        this.options.onStored(done)
        this.done.add(done.name)
        this.news.ring()
      }
      const processing = { ...processorDefaults, objects: this.folder }
      const orders = { ...at, settings: processing, address }
      this.processor = await this.add('processor', forkProcessor(orders, { ...hooks('processor'), onDone }))
    }
    if (plan.script.sends !== 'lines') {
      this.analytics = await this.add(
        'analytics',
        forkAnalytics({ ...at, address }, (message) => onTrouble(`analytics: ${message}`)),
      )
    }
  }

  private async add(name: string, starting: Promise<ForkedService>): Promise<ForkedService> {
    const service = await starting
    this.services.push({ name, service })
    return service
  }

  /** Objects that must not become rows, as the processor's metrics have it; 0 when it does not answer. */
  private async refused({ url }: ForkedService): Promise<number> {
    try {
      const answer = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${this.token}` } })
      return Number(/^weir_processor_refused_objects(?:\{.*\})? (\d+)$/m.exec(await answer.text())?.[1] ?? 0)
    } catch {
      return 0
    }
  }
}
