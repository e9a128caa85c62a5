/** One target open on one store: what a check offers to it, what it settled, and what the store holds in the end. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import { openSource } from '../../generators/open.js'
import type { Chunk } from '../../generators/record.js'
import type { Cursor, Source, SourceSpec, StreamSpec } from '../../generators/source.js'
import { audit } from '../../replay/audit.js'
import { systemClock } from '../../replay/clock.js'
import { type Block, type BlockOutcome, Desk, replay } from '../../replay/driver.js'
import { Ledger } from '../../replay/ledger.js'
import type { Audit } from '../../results/result.js'
import { openStore } from '../../stores/index.js'
import type { Settlement, Store, StoreAddress } from '../../stores/store.js'
import type { OptionSet, OptionValue, Target, TargetModule } from '../target.js'
import type { Ground } from './ground.js'

/** Records in a chunk, and the largest batch or file: small, so that a short stream has many of them. */
export const chunkRecords = 500
/** The same where every record is a statement, and every statement a part that the store has to merge. */
const rowChunkRecords = 50
const batchRecords = 2000

/** A stream that crosses a month's end after a dozen records, so that the slowest target comes to it on the slowest machine. */
export const acrossMonths: StreamSpec = {
  kind: 'stream',
  source: 7,
  profile: 'web',
  seed: '42',
  format: 'combined',
  startMs: Date.UTC(2026, 0, 31, 23, 59, 59),
  recordsPerDay: 1_000_000,
}

/** A stream that stays within one month. */
export const withinMonth: StreamSpec = { ...acrossMonths, startMs: Date.UTC(2026, 2, 10) }

/**
 * The defaults with smaller batches and a short lease. An option whose name ends in 'Records' is a size; any other count
 * is a number of hands.
 */
export function smallOptions(module: TargetModule): Record<string, OptionValue> {
  return Object.fromEntries(
    Object.entries(module.options).map(([name, { type, default: value, min = 0 }]) => {
      if (typeof value !== 'number') return [name, value]
      if (name === 'leaseMs') return [name, Math.max(min, 300)]
      if (type !== 'count') return [name, value]
      return [name, Math.max(min, Math.min(value, name.endsWith('Records') ? batchRecords : 2))]
    }),
  )
}

/** Records that a target of these options may hold before it must make its producer wait: eight batches for every hand. */
export function heldAtMost(options: OptionSet): number {
  let hands = 1
  let size = chunkRecords
  for (const [name, value] of Object.entries(options)) {
    if (typeof value !== 'number' || name.endsWith('Ms')) continue
    if (name.endsWith('Records')) size = Math.max(size, value)
    else hands *= Math.max(1, value)
  }
  return 8 * hands * size
}

export interface SettingOptions {
  readonly module: TargetModule
  readonly ground: Ground
  readonly source?: SourceSpec
  readonly months?: readonly string[]
  readonly options?: OptionSet
  /** Called with every settlement, after it was filed. */
  readonly onSettled?: (settlement: Settlement) => void
}

export class Setting {
  readonly ledger: Ledger
  readonly settlements: Settlement[] = []
  private readonly desk: Desk
  private cursor: Cursor | undefined

  private constructor(
    readonly ground: Ground,
    readonly address: StoreAddress,
    readonly store: Store,
    readonly source: Source,
    readonly scratch: string,
    /** Weir's connections before this. */
    readonly connectionsBefore: readonly number[],
    /** Records that are offered at once unless a check says otherwise. */
    private readonly usualRecords: number,
  ) {
    this.ledger = new Ledger(source.spec.source, 0)
    this.desk = new Desk(systemClock, this.ledger)
  }

  private opened: Target | undefined

  get target(): Target {
    if (this.opened === undefined) throw new Error('the target is not open')
    return this.opened
  }

  static async open({ module, ground, source = withinMonth, months = ['2026-03'], options, onSettled }: SettingOptions): Promise<Setting> {
    const before = (await ground.outside?.connections()) ?? []
    const address = ground.address(source.format)
    const store = await openStore(address)
    const rows = !Object.keys(module.options).some((name) => name.endsWith('Records'))
    const usual = rows && address.store === 'clickhouse' ? rowChunkRecords : chunkRecords
    const scratch = await mkdtemp(join(tmpdir(), 'weir-conformance-'))
    const setting = new Setting(ground, address, store, openSource(source), scratch, before, usual)
    const values = { ...smallOptions(module), ...options }
    await store.prepare(module.image(values), months)
    setting.opened = await module.open({
      store,
      options: values,
      scratch,
      recycle: (lines) => setting.desk.buffers.give(lines),
      settle: (settlement) => {
        setting.settlements.push(settlement)
        setting.desk.settle(settlement)
        onSettled?.(settlement)
      },
    })
    return setting
  }

  /** Runs the driver over the source's beginning. */
  replay(block: Omit<Block, 'source' | 'first'>, stallMs = 20_000): Promise<BlockOutcome> {
    return replay({ source: this.source, first: 0, chunkRecords: this.usualRecords, ...block }, this.target, this.desk, {
      clock: systemClock,
      ledger: this.ledger,
      signal: new AbortController().signal,
      stallMs,
    })
  }

  /** Offers the next records by hand; the ledger knows of them before the target does. */
  async next(count = this.usualRecords): Promise<Chunk> {
    this.cursor ??= await this.source.open(this.ledger.offered)
    const first = this.cursor.position
    const lines = await this.cursor.next(count)
    if (lines === undefined) throw new Error('the source has ended')
    this.ledger.offer(lines.count)
    return { source: this.ledger.source, first, ...lines }
  }

  /** Records with a fate, as `Ledger` counts them, were settled once each and none waits. */
  assertWhole(): void {
    assert.is(this.ledger.settledTwice, 0, 'records were settled twice')
    assert.is(this.ledger.neverOffered, 0, 'records were settled that were never offered')
    assert.is(this.ledger.outstanding, 0, 'records were never settled')
  }

  /**
   * Reads the store back: nothing lost, doubled, changed or in the wrong place, and everything that was said to be stored
   * is there. More may be there than was said: what failed is in doubt.
   */
  async assertAudited(): Promise<Audit | undefined> {
    const { scanner } = this.store
    if (scanner === undefined) return undefined
    const report = await audit({
      scanner,
      source: this.source,
      fates: this.ledger.fates(),
      layout: this.address.layout,
      format: this.address.format,
    })
    const { lost, duplicated, corrupted, misplaced, unexpected } = report.audit
    const named = `: ${JSON.stringify(report.findings.slice(0, 3))}`
    assert.equal(
      { lost, duplicated, corrupted, misplaced, unexpected },
      { lost: 0, duplicated: 0, corrupted: 0, misplaced: 0, unexpected: 0 },
      `the audit found${named}`,
    )
    const { stored, rejected, failed } = this.ledger.tally
    assert.ok(report.audit.stored >= stored && report.audit.rejected >= rejected, 'less lies there than was said to be stored')
    assert.is(report.audit.stored + report.audit.rejected + report.audit.failed, this.ledger.offered)
    assert.ok(report.audit.failed <= failed)
    return report.audit
  }

  /** Closes what is open and removes what was made. */
  async close(): Promise<void> {
    try {
      await this.leave()
    } finally {
      await this.ground.server.drop(this.address.schema)
    }
  }

  /** As `close()`, for a server that is dead: nothing can be dropped there any more. */
  async leave(): Promise<void> {
    try {
      await this.cursor?.close()
      await this.opened?.close()
      await this.store.close()
    } finally {
      await rm(this.scratch, { recursive: true, force: true })
    }
  }
}
