/** A session with k6: everything that one `weir k6` does, from the store's start to the result document. */
import { randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { openSource } from '../../generators/open.js'
import { profileNamed } from '../../generators/profiles.js'
import type { StreamSpec } from '../../generators/source.js'
import type { Result } from '../../results/result.js'
import { openStore } from '../../stores/index.js'
import type { Store, StoreAddress } from '../../stores/store.js'
import { findTarget } from '../../targets/index.js'
import { Accounts } from '../accounts.js'
import { type AuditReport, audit } from '../audit.js'
import { systemClock } from '../clock.js'
import { Contender } from '../contender.js'
import type { Fates } from '../ledger.js'
import { withScratch } from '../scratch.js'
import { UnsupportedError } from '../session.js'
import { openSite, type Site } from '../site.js'
import { toMemory } from '../verify.js'
import { byDefault, InterruptedError } from '../workplace.js'
import { type K6Binary, requireK6 } from './binary.js'
import { buildK6Result } from './document.js'
import { k6Fates } from './fates.js'
import { LineMeasurements, QuestionMeasurements } from './measurements.js'
import type { K6Plan } from './plan.js'
import { renderBodies } from './rendered.js'
import { Road } from './road.js'
import { type K6Outcome, k6Statuses, type Noted, runK6, type Sample } from './run-k6.js'
import { SampledLedger } from './sampled-ledger.js'
import { lineSchedule, questionSchedule, type RequestSchedule } from './schedule.js'

export interface K6Progress {
  /** What is being done. */
  readonly label: string
  /** Requests that were answered, and all of them; null while there are none. */
  readonly requests: { readonly answered: number; readonly planned: number } | null
}

export interface K6Hooks {
  readonly signal: AbortSignal
  onProgress(progress: K6Progress): void
  /** A sentence that the user should see. */
  onNotice(text: string): void
}

/** Every run numbers its one source 1. */
const sourceNumber = 1
const format = 'combined'
const kernel = fileURLToPath(new URL('../../generators/kernel/kernel.wasm', import.meta.url))

/**
 * Starts store and services, runs k6, waits until everything is stored, and audits it.
 * @throws K6MissingError before anything is started; InterruptedError when there was nothing to tell of yet
 */
export function runK6Session(plan: K6Plan, hooks: K6Hooks): Promise<Result> {
  const { script } = plan
  // Without the extension, lines are rendered beforehand; what is asked about them needs it.
  const k6 = requireK6({ path: plan.binary, script: script.name, extension: script.sends === 'both', stock: plan.stock })
  return withScratch('run', async (scratch) => {
    hooks.onProgress({ label: `starting ${plan.store.name}`, requests: null })
    const site = await openSite(plan.store, plan)
    const session = new K6Session({ plan, hooks, k6, scratch, site })
    try {
      return await session.run()
    } catch (error) {
      throw hooks.signal.aborted ? new InterruptedError() : error
    } finally {
      await session.close()
      await site.server.close()
    }
  })
}

interface K6SessionOptions {
  readonly plan: K6Plan
  readonly hooks: K6Hooks
  readonly k6: K6Binary
  readonly scratch: string
  readonly site: Site
}

/** What k6 left. */
interface Driven {
  readonly outcome: K6Outcome
  readonly accounts: Accounts
  /** Objects that did not become rows. */
  readonly missing: number
}

class K6Session {
  private readonly source
  private readonly address: StoreAddress
  private readonly flow: RequestSchedule | undefined
  private readonly asking: RequestSchedule | undefined
  private readonly lines: LineMeasurements | undefined
  private readonly questions: QuestionMeasurements | undefined
  private store: Store | undefined
  /** Filled the store, where nothing but questions are sent. */
  private filler: Contender | undefined
  private road: Road | undefined
  /** Where the k6 has none of its own. */
  private readonly ledger: SampledLedger | undefined

  constructor(private readonly options: K6SessionOptions) {
    const { plan, site } = options
    const { partitionKey, partitions, receiver, script, seed, values } = plan
    const spec: StreamSpec = { kind: 'stream', source: sourceNumber, profile: 'web', seed, format, ...profileNamed('web').defaults }
    this.source = openSource(spec)
    const layout = site.server.layoutOf({ partitionKey, partitions })
    const schema = `weir_${randomBytes(4).toString('hex')}_k6_${script.name.replaceAll('-', '_')}`
    this.address = { store: site.server.store, url: site.server.url, schema, layout, format }
    this.flow = lineSchedule(values)
    this.asking = questionSchedule(values)
    this.lines = this.flow && new LineMeasurements(this.flow, receiver.acknowledgement !== 'receipt')
    this.questions = this.asking && new QuestionMeasurements(this.asking)
    if (this.flow !== undefined && (plan.stock || !options.k6.extended)) this.ledger = new SampledLedger(this.flow)
  }

  async run(): Promise<Result> {
    const createdAt = new Date()
    const { plan, hooks, site, k6 } = this.options
    const records = this.flow === undefined ? plan.rows : this.flow.planned * this.flow.each
    const rendered = await this.render()
    await this.prepare(records)
    this.stopIfAborted()
    const driven = await this.drive(rendered)
    const { outcome, missing } = driven
    const interrupted = hooks.signal.aborted
    const fates = k6Fates(sourceNumber, this.notedIn(outcome), this.flow === undefined ? 0 : records)
    const lastStoredMs = this.lines?.finish() ?? 0
    const error = interrupted ? undefined : this.errorOf(outcome)
    if (missing > 0 && !interrupted) hooks.onNotice(`${missing} objects did not become rows`)
    const report = interrupted ? undefined : await this.audit(this.filler?.ledger.fates() ?? fates.sent)
    site.facts = await site.server.facts().catch(() => undefined)
    const { source } = this
    return buildK6Result({
      plan,
      createdAt,
      k6,
      rendered: this.ledger !== undefined,
      outcome,
      site,
      layout: this.address.layout,
      source: source.spec,
      meanLineBytes: await source.meanLineBytes(),
      lines: this.flow && this.lines && { schedule: this.flow, measurements: this.lines, fates },
      questions: this.asking && this.questions && { schedule: this.asking, measurements: this.questions },
      accounts: driven.accounts,
      partitions: (await this.store?.partitions().catch(() => [])) ?? [],
      objects: this.road?.objects ?? 0,
      elapsedMs: this.lines === undefined ? (this.questions?.elapsedMs ?? 0) : lastStoredMs,
      audit: report,
      error,
      interrupted,
    })
  }

  /** Stops the services and drops the tables, unless told to keep them. Idempotent. */
  async close(): Promise<void> {
    const { plan, hooks, site } = this.options
    await this.road?.close()
    await this.filler?.close().catch(() => undefined)
    const { store } = this
    this.store = undefined
    if (store === undefined) return
    if (!plan.keep) {
      await store.drop().catch((error: Error) => {
        if (!site.server.embedded) hooks.onNotice(`${store.address.schema} could not be dropped and stays on the server: ${error.message}`)
      })
    }
    await store.close()
  }

  /** Renders what a k6 cannot render itself; the variables that tell the script where it is. */
  private async render(): Promise<Readonly<Record<string, string>>> {
    const { flow, ledger, source } = this
    const { hooks, scratch } = this.options
    if (flow === undefined || ledger === undefined) return {}
    this.say('rendering lines')
    const { bytes, variables } = await renderBodies({ source, schedule: flow, folder: scratch, signal: hooks.signal })
    this.stopIfAborted()
    hooks.onNotice(
      `k6 runs without k6/x/weir: ${(bytes / 1e6).toPrecision(3)} MB of lines were rendered before it starts, and its times are the wall clock's, in whole milliseconds`,
    )
    return variables
  }

  private notedIn({ summary }: K6Outcome): Noted | undefined {
    return this.ledger === undefined ? summary?.lines?.noted : this.ledger.noted(summary)
  }

  /** Makes the tables; where only questions are sent, fills them. */
  private async prepare(records: number): Promise<void> {
    const { plan, scratch, site, hooks } = this.options
    const months = this.source.months(0, records) ?? []
    this.store = await openStore(this.address)
    const { claims, analytics } = this.store.lacks
    const { sends } = plan.script
    if (sends !== 'questions' && claims !== undefined) throw new UnsupportedError(`no processor can write to this store: ${claims}`)
    if (sends !== 'lines' && analytics !== undefined) throw new UnsupportedError(`this store answers no questions: ${analytics}`)
    if (sends !== 'questions') return this.store.prepare({ kind: 'rows', keeps: 'all' }, months)
    const module = findTarget('single-thread')
    if (module === undefined) throw new Error('there is no target to fill the store with')
    this.say(`storing ${records.toLocaleString('en')} records to ask about`)
    this.filler = await Contender.prepare(
      { module, options: byDefault(module).options, source: this.source, site, address: this.address, scratch, clock: systemClock },
      months,
    )
    await this.filler.run({ index: 0, records, signal: hooks.signal })
    await this.filler.closeTarget()
    await site.server.settle()
  }

  /** Runs k6 against the services, and waits until what they took is stored. */
  private async drive(rendered: Readonly<Record<string, string>>): Promise<Driven> {
    const { plan, hooks, k6, scratch, site } = this.options
    this.say('starting the services')
    if (this.store === undefined) throw new Error('there are no tables yet')
    const road = await Road.open({
      plan,
      store: this.store,
      scratch,
      onStored: ({ receipt }) => {
        const now = Date.now()
        for (const settlement of receipt) if (settlement.fate === 'stored') this.lines?.store(settlement, now)
      },
      onTrouble: (message) => hooks.onNotice(message),
    })
    this.road = road
    this.stopIfAborted()
    const accounts = new Accounts({
      parts: () => road.parts(),
      storeProcesses: () => site.server.processes(),
      dataFolder: await site.server.dataFolder().catch(() => null),
    })
    let answered = 0
    const planned = (this.flow?.planned ?? 0) + (this.asking?.planned ?? 0)
    const onSample = (sample: Sample) => {
      this.lines?.take(sample)
      this.ledger?.take(sample)
      this.questions?.take(sample)
      if (sample.metric !== 'weir_requests' && sample.metric !== 'weir_questions') return
      answered++
      hooks.onProgress({ label: `k6 ${plan.script.name}`, requests: { answered, planned } })
    }
    this.say(`k6 ${plan.script.name}`)
    const variables = { ...variablesOf(plan), ...road.variables, ...rendered }
    // Receivers are gone when they have stored what they hold: what they use for that is read of no process any more.
    const outcome = await counted(accounts, () =>
      runK6({ k6, script: plan.script.path, variables, kernel, scratch, signal: hooks.signal, onSample }),
    )
    this.say('waiting until everything is stored')
    const missing = await counted(accounts, async () => {
      await road.stopReceiving()
      return road.finish(hooks.signal)
    })
    return { outcome, accounts, missing }
  }

  private async audit(fates: Fates): Promise<AuditReport | undefined> {
    const { store, source } = this
    const { layout } = this.address
    if (store?.scanner === undefined || fates.offered.to === fates.offered.from) return undefined
    this.say('auditing')
    const report = await audit({ scanner: store.scanner, source, fates, layout, format })
    const createdAt = new Date().toISOString()
    await store.remember(
      toMemory({ target: 'k6', leg: this.options.plan.script.name, createdAt, source: source.spec, fates, layout, format }),
    )
    return report
  }

  /** What ended it otherwise than a threshold, in words. */
  private errorOf(outcome: K6Outcome): string | undefined {
    const { status, summary, said } = outcome
    const { flow, asking, ledger } = this
    if (ledger !== undefined && summary !== undefined && this.notedIn(outcome) === undefined) {
      return 'samples of k6 did not arrive: what became of its requests is not known'
    }
    if ((status === 0 || status === k6Statuses.thresholds) && summary !== undefined) {
      const { lines, questions } = summary
      if (lines?.planned === flow?.planned && questions?.planned === asking?.planned) return undefined
      return `the script planned ${lines?.planned ?? 0} requests and ${questions?.planned ?? 0} questions, not ${flow?.planned ?? 0} and ${asking?.planned ?? 0}: is it of another version?`
    }
    return `k6 ended with ${status === null ? 'a signal' : `status ${status}`}${said === '' ? '' : `: ${said}`}`
  }

  private say(label: string): void {
    this.options.hooks.onProgress({ label, requests: null })
  }

  private stopIfAborted(): void {
    if (this.options.hooks.signal.aborted) throw new InterruptedError()
  }
}

async function counted<T>(accounts: Accounts, work: () => Promise<T>): Promise<T> {
  await accounts.begin()
  try {
    return await work()
  } finally {
    await accounts.end()
  }
}

/** The script's own settings, as it reads them. */
function variablesOf({ seed, values }: K6Plan): Readonly<Record<string, string>> {
  const { durationMs, burstMs, everyMs, p99Ms, ...counts } = values
  const times = { duration: durationMs, burst: burstMs, every: everyMs, p99: p99Ms ?? undefined }
  return {
    seed,
    source: String(sourceNumber),
    first: '0',
    p99: 'none',
    ...Object.fromEntries(Object.entries(counts).map(([name, value]) => [name, String(value)])),
    ...Object.fromEntries(Object.entries(times).flatMap(([name, ms]) => (ms === undefined ? [] : [[name, `${ms}ms`]]))),
  }
}
