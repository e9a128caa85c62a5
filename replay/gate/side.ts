/** One side of a gate: the build that this process runs, opened on a server that both sides share, measured block by block. */
import { createHash } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { openSource } from '../../generators/open.js'
import type { Source } from '../../generators/source.js'
import { Recorder } from '../../results/recorder.js'
import { openStore, startServer, stores } from '../../stores/index.js'
import type { Store, StoreServer } from '../../stores/store.js'
import { findTarget } from '../../targets/index.js'
import type { OptionSet, Target, TargetModule } from '../../targets/target.js'
import { constant } from '../arrivals/constant.js'
import { audit } from '../audit.js'
import { systemClock } from '../clock.js'
import { Desk, replay } from '../driver.js'
import { Ledger } from '../ledger.js'
import { describeBuild } from '../machine.js'
import { gateProtocol, type SideAudit, type SideBlock, type SideFacts, type SideSpec } from './protocol.js'
import { cpuSecondsWith } from './side-cpu.js'

/** Lines whose hash stands for the stream. */
const hashedRecords = 20_000
/** Months that the tables are prepared for reach so far; further ones are added by the writers. */
const preparedRecords = 10_000_000
const findingsTold = 20
/** Of a block at a rate, what does not count. */
const warmShare = 0.1

type Options = OptionSet

interface Parts {
  readonly spec: SideSpec
  readonly server: StoreServer
  readonly store: Store
  readonly source: Source
  readonly module: TargetModule
  readonly options: Options
}

export class Side {
  private readonly ledger: Ledger
  private readonly desk: Desk
  private target: Target | undefined

  private constructor(private readonly parts: Parts) {
    this.ledger = new Ledger(parts.source.spec.source, 0)
    this.desk = new Desk(systemClock, this.ledger)
  }

  /**
   * Connects, makes fresh tables and opens the target.
   * @throws Error when the build has no such target, or the store cannot be used; nothing is left on the server then
   */
  static async open(spec: SideSpec): Promise<Side> {
    const module = findTarget(spec.target)
    if (module === undefined) throw new Error(`this build has no target ${spec.target}`)
    const server = await startServer({ store: spec.store, durability: 'power' })
    try {
      const source = openSource(spec.source)
      const layout = server.layoutOf(spec.layout)
      const store = await openStore({ store: server.store, url: server.url, schema: spec.schema, layout, format: spec.source.format })
      const side = new Side({ spec, server, store, source, module, options: optionsOf(module, server, spec.options) })
      try {
        await side.prepare()
        return side
      } catch (error) {
        await side.close()
        throw error
      }
    } catch (error) {
      await server.close()
      throw error
    }
  }

  private async prepare(): Promise<void> {
    const { spec, store, source, module, options } = this.parts
    const reason = module.unsupported?.(store)
    if (reason !== undefined) throw new Error(`${module.name} cannot run on this store: ${reason}`)
    await store.prepare(module.image(options), source.months(0, preparedRecords) ?? [])
    await mkdir(spec.scratch, { recursive: true })
    this.target = await module.open({
      store,
      options,
      settle: (settlement) => this.desk.settle(settlement),
      recycle: (lines) => this.desk.buffers.give(lines),
      scratch: spec.scratch,
    })
  }

  async facts(): Promise<SideFacts> {
    const { server, source, module, options } = this.parts
    return {
      protocol: gateProtocol,
      weir: describeBuild(),
      options,
      image: JSON.stringify(module.image(options)),
      durability: await server.durability(),
      workload: await hashOf(source),
      unit: Number(options['batchRecords'] ?? 1) * Number(options['workers'] ?? options['instances'] ?? 1),
    }
  }

  /** Runs the next block, at full speed or at so many records per second, and waits until all of it is settled. */
  async block(records: number, recordsPerSecond?: number): Promise<SideBlock> {
    const { target, ledger, desk } = this
    const { source } = this.parts
    if (target === undefined) throw new Error('the target is closed')
    // Chunks lie outside the heap, and every 16 MB of them the collector runs for as long as a third of a batch takes. Each
    // block begins at the same place of that cycle; what is collected within it counts.
    globalThis.gc?.()
    const failedBefore = ledger.tally.failed
    const used = cpuOf(target)
    const recorder = recordsPerSecond === undefined ? undefined : recorderFor((records * 1000) / recordsPerSecond)
    const outcome = await replay(
      {
        source,
        first: ledger.fates().offered.to,
        records,
        ...(recordsPerSecond === undefined ? {} : { arrivals: constant(recordsPerSecond) }),
      },
      target,
      desk,
      { clock: systemClock, ledger, signal: new AbortController().signal, ...(recorder === undefined ? {} : { recorder }) },
    )
    const failed = ledger.tally.failed - failedBefore
    return {
      records: outcome.stored,
      elapsedMs: outcome.elapsedMs,
      cpuSeconds: cpuOf(target) - used,
      p99: recorder?.quantiles('stored')?.p99 ?? null,
      failed,
      ...(failed > 0 && ledger.firstFailure !== undefined ? { failure: ledger.firstFailure } : {}),
    }
  }

  /** Stops the target and reads everything back. */
  async audit(): Promise<SideAudit> {
    await this.stop()
    const { store, source } = this.parts
    const { layout, format } = store.address
    const { settledTwice, neverOffered } = this.ledger
    const ledger = { settledTwice, neverOffered }
    if (store.scanner === undefined) return { audit: null, findings: [], ledger }
    const report = await audit({ scanner: store.scanner, source, fates: this.ledger.fates(), layout, format })
    return { audit: report.audit, findings: report.findings.slice(0, findingsTold), ledger }
  }

  /** Drops the tables and lets go of everything. */
  async close(): Promise<void> {
    const { store, server } = this.parts
    await this.stop().catch(() => undefined)
    await store.drop().catch(() => undefined)
    await store.close().catch(() => undefined)
    await server.close()
  }

  private async stop(): Promise<void> {
    const { target } = this
    this.target = undefined
    await target?.close()
  }
}

/** The build's own values where nobody asked for others, and the store's best ones. */
function optionsOf({ options: specs }: TargetModule, { store }: StoreServer, asked: Options): Options {
  const best = stores.find(({ name }) => name === store)?.batchRecords
  const values = Object.entries(specs).map(([name, spec]) => {
    const own = spec.store === 'batchRecords' && best !== undefined ? best : spec.default
    return [name, asked[name] ?? own] as const
  })
  return Object.fromEntries(values)
}

function cpuOf(target: Target): number {
  return cpuSecondsWith(target.parts().flatMap(({ kind, pid }) => (kind === 'process' ? [pid] : [])))
}

/** Latencies of a block at a rate, but for its beginning. */
function recorderFor(blockMs: number): Recorder {
  return new Recorder({ fromMs: blockMs * warmShare, toMs: blockMs })
}

async function hashOf(source: Source): Promise<string> {
  const hash = createHash('sha256')
  const cursor = await source.open(0)
  try {
    for (let seen = 0; seen < hashedRecords; ) {
      const lines = await cursor.next(Math.min(1000, hashedRecords - seen))
      if (lines === undefined || lines.count === 0) break
      hash.update(lines.lines)
      seen += lines.count
    }
  } finally {
    await cursor.close()
  }
  return hash.digest('hex')
}
