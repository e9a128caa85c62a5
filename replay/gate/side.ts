/** One side of a gate: a build in a process of its own that replays blocks when it is told to. */
import { openSource } from '../../generators/open.js'
import type { Source } from '../../generators/source.js'
import { Recorder } from '../../results/recorder.js'
import { stores } from '../../stores/index.js'
import { findTarget, targets } from '../../targets/index.js'
import type { TargetModule } from '../../targets/target.js'
import { constant } from '../arrivals/constant.js'
import { audit } from '../audit.js'
import { ownCpu } from '../bound-report.js'
import { systemClock } from '../clock.js'
import { Contender } from '../contender.js'
import { describeBuild } from '../machine.js'
import { openSite, type Site } from '../site.js'
import type { Answer, AskBlock, AskOpen, AskTables, Audited, BlockDone, Opened, Question } from './protocol.js'
import { gateProtocol } from './protocol.js'

/** Findings that are told. */
const findingsTold = 5
/** Part of a block at a rate that is left out of its latencies. */
const warmShare = 0.1

interface Place {
  readonly asked: AskOpen
  readonly module: TargetModule
  readonly options: Readonly<Record<string, number | boolean>>
  readonly source: Source
  readonly site: Site
}

export class GateSide {
  private place: Place | undefined
  private contender: Contender | undefined
  private blocks = 0

  constructor(
    private readonly scratch: string,
    private readonly signal: AbortSignal,
  ) {}

  /** @throws Error that says why it could not be done */
  answer(question: Question): Promise<Answer> {
    switch (question.do) {
      case 'open':
        return this.open(question)
      case 'tables':
        return this.tables(question)
      case 'block':
        return this.block(question)
      case 'audit':
        return this.audit()
      default:
        throw new Error(
          `this build does not know how to ${JSON.stringify((question as { do?: unknown }).do)}: it speaks protocol ${gateProtocol}`,
        )
    }
  }

  /** Drops what it made and lets go of the server. */
  async close(): Promise<void> {
    await this.leave()
    await this.place?.site.server.close()
  }

  private async open(asked: AskOpen): Promise<Opened> {
    if (asked.protocol !== gateProtocol) {
      throw new Error(`the gate speaks protocol ${asked.protocol} and this build ${gateProtocol}: they cannot be compared side by side`)
    }
    const module = findTarget(asked.target)
    if (module === undefined)
      throw new Error(`this build has no target ${asked.target}; it has ${targets.map(({ name }) => name).join(', ')}`)
    const site = await openSite({ name: asked.store, url: asked.url }, { durability: 'power', dataDirectory: null })
    const best = stores.find(({ name }) => name === site.server.store)?.batchRecords
    const byDefault = Object.entries(module.options).map(([name, spec]) => [
      name,
      spec.store === 'batchRecords' && best !== undefined ? best : spec.default,
    ])
    const options = { ...Object.fromEntries(byDefault), ...asked.options } as Readonly<Record<string, number | boolean>>
    this.place = { asked, module, options, source: openSource(asked.source), site }
    const image = module.image(options)
    return { protocol: gateProtocol, build: describeBuild(), image: image.kind, options }
  }

  private async tables({ schema, records }: AskTables): Promise<{ done: true }> {
    const { asked, module, options, source, site } = this.opened()
    await this.leave()
    this.contender = await Contender.prepare(
      {
        module,
        source,
        options,
        site,
        address: {
          store: site.server.store,
          url: site.server.url,
          schema,
          layout: site.server.layoutOf(asked.layout),
          format: asked.source.format,
        },
        scratch: this.scratch,
        clock: systemClock,
      },
      source.months(0, records) ?? [],
    )
    await this.contender.ready()
    return { done: true }
  }

  private async block({ records, recordsPerSecond }: AskBlock): Promise<BlockDone> {
    const contender = this.contender
    if (contender === undefined) throw new Error('there are no tables to write to')
    const used = () => ownCpu(contender)
    const before = used()
    const index = this.blocks++
    if (recordsPerSecond === undefined) {
      const { stored, elapsedMs } = await contender.run({ index, records, signal: this.signal })
      return { records: stored, elapsedMs, cpuSeconds: used() - before, p99: null }
    }
    const blockMs = (records * 1000) / recordsPerSecond
    const recorder = new Recorder({ fromMs: blockMs * warmShare, toMs: blockMs })
    const { stored, elapsedMs } = await contender.run({
      index,
      records,
      arrivals: constant(recordsPerSecond),
      recorder,
      signal: this.signal,
    })
    return { records: stored, elapsedMs, cpuSeconds: used() - before, p99: recorder.quantiles('stored')?.p99 ?? null }
  }

  private async audit(): Promise<Audited> {
    const contender = this.contender
    if (contender === undefined) throw new Error('there are no tables to audit')
    const { source } = this.opened()
    await contender.closeTarget()
    const { scanner } = contender.store
    if (scanner === undefined || contender.ledger.offered === 0) {
      await this.leave()
      return { audit: null, findings: [] }
    }
    const { layout, format } = contender.spec.address
    const report = await audit({ scanner, source, fates: contender.ledger.fates(), layout, format })
    await this.leave()
    const findings = report.findings
      .slice(0, findingsTold)
      .map(({ kind, position, expected, found }) =>
        [`${kind}: record ${position}`, expected && `expected ${expected}`, found && `found ${found}`].filter(Boolean).join(', '),
      )
    return { audit: report.audit, findings }
  }

  private async leave(): Promise<void> {
    const contender = this.contender
    this.contender = undefined
    if (contender === undefined) return
    await contender.closeTarget().catch(() => undefined)
    await contender.store.drop().catch(() => undefined)
    await contender.close().catch(() => undefined)
  }

  private opened(): Place {
    if (this.place === undefined) throw new Error('nothing was opened yet')
    return this.place
  }
}
