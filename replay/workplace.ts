/** Where a session works: the servers it started or found, the tables it made there, and how it leaves them. */
import { randomBytes } from 'node:crypto'
import type { Source } from '../generators/source.js'
import { openStore, stores } from '../stores/index.js'
import type { StoreAddress } from '../stores/store.js'
import type { OptionSet, TargetModule } from '../targets/target.js'
import { audit } from './audit.js'
import type { Clock } from './clock.js'
import { Contender, type ContenderSpec } from './contender.js'
import { settledWithin } from './grace.js'
import type { Plan, PlannedTarget } from './plan.js'
import { labelSites, openSite, type Site } from './site.js'
import { toMemory } from './verify.js'

/** What a workplace has to know of its session. */
export interface WorkplaceOptions {
  readonly plan: Plan
  readonly source: Source
  /** A folder of the session's own. */
  readonly scratch: string
  readonly clock: Clock
  readonly signal: AbortSignal
  /** What is being done now, for the line of progress. */
  say(label: string): void
  /** A sentence that the user should see. */
  onNotice(text: string): void
}

/** Tables and a target to be made. */
export interface ContenderRequest
  extends Pick<ContenderSpec, 'module' | 'probeEveryMs' | 'chunkRecords' | 'keepMonths' | 'onlooker'>,
    Partial<Pick<ContenderSpec, 'source'>> {
  readonly planned: PlannedTarget
  readonly site: Site
  /** What it is for, a word of its schema's name. */
  readonly role: string
  /** Months whose partitions are made beforehand. */
  readonly months: readonly string[]
}

/** The session was stopped before anything could be measured. */
export class InterruptedError extends Error {
  constructor() {
    super('interrupted before anything was measured')
    this.name = 'InterruptedError'
  }
}

/** How long an audit waits for a server that had been in trouble. */
const backMs = 20_000
/** A server that is asked whether it is back has at least so long for its answer. */
const answerMs = 2000

export class Workplace {
  /** Where the targets write to. */
  readonly sites: Site[] = []
  /** The null store, and a Postgres for the baseline alone. */
  private readonly sideSites: Site[] = []
  private readonly contenders: Contender[] = []
  /** Sites that may have something left to do: after preparations, and after a block that failed. */
  private readonly unsettled = new Set<Site>()
  /** Sites whose servers did not come back. */
  private readonly gone = new Set<Site>()
  private readonly id = randomBytes(4).toString('hex')

  constructor(private readonly options: WorkplaceOptions) {}

  /** Starts or finds the plan's stores. */
  async open(): Promise<void> {
    for (const store of this.options.plan.stores) {
      this.options.say(`starting ${store.name}`)
      this.sites.push(await openSite(store, this.options.plan))
      this.stopIfAborted()
    }
    await labelSites(this.sites)
  }

  /** The null store: one of the plan's own, or one beside them. */
  async nullSite(): Promise<Site> {
    const own = this.sites.find(({ server }) => server.store === 'null')
    return own ?? (await this.sideSite('null'))
  }

  /** The baseline is the published architecture, on Postgres: on one of the session's own, or one that is started for it. */
  async baselineSite(): Promise<Site | undefined> {
    const own = this.sites.find(({ server }) => server.store === 'postgres')
    if (own !== undefined || this.sites.every(({ server }) => server.store === 'null')) return own
    this.options.say('starting postgres for the baseline')
    try {
      return await this.sideSite('postgres')
    } catch (error) {
      this.options.onNotice(`there is no measured baseline: ${error instanceof Error ? error.message : String(error)}`)
      return undefined
    }
  }

  /** Creates tables of its own for a target, with the partitions of these months. */
  async contender({ planned, site, role, months, ...spec }: ContenderRequest): Promise<Contender> {
    this.stopIfAborted()
    const { source, scratch, clock } = this.options
    // Sites may share a server.
    const schema = `weir_${this.id}_${role}_${this.sites.indexOf(site) + 1}_${spec.module.name.replaceAll('-', '_')}`
    const options = optionsOn(site, spec.module, planned)
    const contender = await Contender.prepare(
      { source, options, site, address: this.addressOn(site, schema), scratch, clock, ...spec },
      months,
    )
    this.contenders.push(contender)
    this.unsettled.add(site)
    return contender
  }

  /** Why a target cannot use the store of a site; undefined when it can. */
  async unsupported(module: TargetModule, site: Site): Promise<string | undefined> {
    const store = await openStore(this.addressOn(site, ''))
    try {
      return module.unsupported?.(store)
    } finally {
      await store.close()
    }
  }

  /** Something may have been left to do there. */
  unsettle(site: Site): void {
    this.unsettled.add(site)
  }

  /** Waits for what was left to do anywhere: all share the machine, so nobody begins before. */
  async settle(): Promise<void> {
    for (const site of this.unsettled) {
      await this.settled(site)
      this.unsettled.delete(site)
    }
  }

  /** Waits for what was left to do on a site; milliseconds that it took. */
  async settled({ server }: Site): Promise<number> {
    const { clock } = this.options
    const begin = clock.now()
    const quietMs = await server.settle()
    return Math.max(0, clock.now() - begin - quietMs)
  }

  /** Reads back what a contender left and keeps the report there; what goes wrong with it is the contender's trouble. */
  async audit(contender: Contender, leg: string): Promise<void> {
    if (this.options.signal.aborted || contender.ledger.offered === 0 || contender.store.scanner === undefined) return
    this.options.say(`auditing ${this.nameOf(contender)}`)
    if (contender.error !== undefined && !(await this.isBack(contender.spec.site))) {
      this.options.onNotice(`${this.nameOf(contender)} was not audited: the server did not come back`)
      return
    }
    const { source } = this.options
    const fates = contender.ledger.fates()
    const { layout, format } = contender.spec.address
    try {
      contender.audit = await audit({ scanner: contender.store.scanner, source, fates, layout, format })
      const createdAt = new Date().toISOString()
      await contender.store.remember(toMemory({ target: contender.name, leg, createdAt, source: source.spec, fates, layout, format }))
    } catch (error) {
      contender.error ??= error instanceof Error ? error : new Error(String(error))
    }
  }

  /** Stops a contender and drops its tables now, unless told to keep them. */
  async dispose(contender: Contender): Promise<void> {
    await contender.closeTarget().catch(() => undefined)
    if (!this.options.plan.keep) await contender.store.drop().catch((error: unknown) => this.notDropped(contender, error))
    await contender.store.close().catch(() => undefined)
    const at = this.contenders.indexOf(contender)
    if (at >= 0) this.contenders.splice(at, 1)
  }

  /** Asks every server for its facts, with the tables still there. */
  async gatherFacts(): Promise<void> {
    for (const site of [...this.sites, ...this.sideSites]) site.facts = await site.server.facts().catch(() => undefined)
  }

  /** Stops everything and drops what was created, unless told to keep it. */
  async close(): Promise<void> {
    for (const contender of [...this.contenders]) await this.dispose(contender)
    for (const site of [...this.sites, ...this.sideSites]) await site.server.close()
  }

  nameOf(contender: Contender): string {
    return this.sites.length > 1 ? `${contender.name} on ${contender.spec.site.label}` : contender.name
  }

  stopIfAborted(): void {
    if (this.options.signal.aborted) throw new InterruptedError()
  }

  private addressOn({ server }: Site, schema: string): StoreAddress {
    const { plan } = this.options
    const layout = server.layoutOf({ partitionKey: plan.partitionKey, partitions: plan.partitions })
    return { store: server.store, url: server.url, schema, layout, format: plan.format }
  }

  private async sideSite(name: string): Promise<Site> {
    const site = await openSite({ name, url: '' }, { ...this.options.plan, dataDirectory: null })
    this.sideSites.push(site)
    return site
  }

  /** An embedded server takes everything with it; on a given one something stays, and its owner should know. */
  private notDropped({ spec: { site, address } }: Contender, error: unknown): void {
    if (site.server.embedded) return
    const why = error instanceof Error ? error.message : String(error)
    this.options.onNotice(`${address.schema} could not be dropped and stays on the server: ${why}; weir clean --store URL removes it later`)
  }

  /** After trouble a server may be on its way back: waits for it, once for each site that stays away. */
  private async isBack(site: Site): Promise<boolean> {
    const { clock, signal } = this.options
    const end = clock.now() + (this.gone.has(site) ? 0 : backMs)
    for (;;) {
      let back = false
      const asked = site.server.durability().then(() => {
        back = true
      })
      // One that stands still answers nothing, neither well nor badly.
      await settledWithin(asked, clock, Math.max(answerMs, end - clock.now()))
      if (back) return true
      if (clock.now() >= end || signal.aborted) break
      await clock.until(clock.now() + 500)
    }
    this.gone.add(site)
    return false
  }
}

/** A target with every option as it is by default. */
export function byDefault(module: TargetModule): PlannedTarget {
  return {
    name: module.name,
    options: Object.fromEntries(Object.entries(module.options).map(([name, { default: value }]) => [name, value])),
    asked: [],
  }
}

/** The target's options on a store: where nobody asked for a value, the store's own best. */
function optionsOn({ server }: Site, module: TargetModule, { options, asked }: PlannedTarget): OptionSet {
  const best = stores.find(({ name }) => name === server.store)?.batchRecords
  if (best === undefined) return options
  const better = Object.entries(module.options).filter(([name, spec]) => spec.store === 'batchRecords' && !asked.includes(name))
  return { ...options, ...Object.fromEntries(better.map(([name]) => [name, best])) }
}
