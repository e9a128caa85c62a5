/** Analytics beside ingestion: the questions alone, and with ingestion in the same process or apart, block by block. */
import { recordTimeMs } from '../generators/renderer.js'
import type { Source, StreamSpec } from '../generators/source.js'
import type { AnalyticsBeside, AnalyticsFigures, AnalyticsTogether, Quantiles } from '../results/result.js'
import { pairedRatio } from '../results/statistics.js'
import { forkAnalytics } from '../services/analytics/fork.js'
import { startAnalytics } from '../services/analytics/server.js'
import type { RunningService } from '../services/service.js'
import { readLine } from '../targets/row-at-a-time/line.js'
import { AnalyticsLoad } from './analytics-load.js'
import type { StreamView } from './analytics-mix.js'
import { HttpTransport } from './analytics-transport.js'
import { constant } from './arrivals/constant.js'
import type { Clock } from './clock.js'
import type { Contender } from './contender.js'

/** Where the service that answers runs: in the process that drives the ingestion, or in one of its own. */
export const arrangements = ['combined', 'separated'] as const
export type Arrangement = (typeof arrangements)[number]

/** Records at the stream's beginning whose addresses are asked about: they are there as soon as anything is. */
const knownRecords = 1156
const addressesKept = 200
const host = '127.0.0.1'

/** Addresses that the stream holds from its beginning on. */
export async function knownAddresses(source: Source): Promise<readonly string[]> {
  const cursor = await source.open(0)
  try {
    const made = await cursor.next(knownRecords)
    if (made === undefined) return []
    const addresses = new Set<string>()
    for (let start = 0, line = 0; line < made.count && addresses.size < addressesKept; line++) {
      const end = made.lines.indexOf(10, start)
      const reading = readLine(made.lines.subarray(start, end), source.spec.format)
      if ('row' in reading) addresses.add(reading.row.remoteAddr)
      start = end + 1
    }
    return [...addresses]
  } finally {
    await cursor.close()
  }
}

export interface BesideOptions {
  readonly spec: StreamSpec
  readonly addresses: readonly string[]
  /** Questions per second. */
  readonly rate: number
  readonly clock: Clock
  /** Has its tables to itself: the questions alone are asked of what it stored. */
  readonly alone: Contender
  readonly contenders: Readonly<Record<Arrangement, Contender>>
}

/** One run's blocks of questions, with and without ingestion. */
export class Beside {
  private readonly services = new Map<Contender, Promise<RunningService>>()
  private readonly loads = { alone: [] as AnalyticsLoad[], combined: [] as AnalyticsLoad[], separated: [] as AnalyticsLoad[] }

  constructor(readonly options: BesideOptions) {}

  /** Asks at the rate while `work` goes on with an ingestion in this arrangement. */
  async during<T>(arrangement: Arrangement, round: number, work: () => Promise<T>): Promise<T> {
    const contender = this.options.contenders[arrangement]
    const service = await this.serviceOf(contender, arrangement)
    return this.asking(contender, service, arrangement, round, work)
  }

  /** Asks at the rate for so long while nothing is written. */
  async alone(round: number, durationMs: number): Promise<void> {
    const { alone, clock } = this.options
    const service = await this.serviceOf(alone, 'separated')
    await this.asking(alone, service, 'alone', round, () => clock.until(clock.now() + durationMs))
  }

  report(): AnalyticsTogether {
    const { rate } = this.options
    const alone = total(this.loads.alone)
    return {
      rate,
      alone,
      combined: this.besideOf('combined', alone),
      separated: this.besideOf('separated', alone),
    }
  }

  async close(): Promise<void> {
    for (const starting of this.services.values()) await starting.then((service) => service.close()).catch(() => undefined)
    this.services.clear()
  }

  private async asking<T>(
    contender: Contender,
    { url }: RunningService,
    kind: Arrangement | 'alone',
    round: number,
    work: () => Promise<T>,
  ): Promise<T> {
    const load = new AnalyticsLoad({
      transport: new HttpTransport(url),
      clock: this.options.clock,
      arrivals: constant(this.options.rate),
      view: () => this.viewOf(contender),
      seed: round + 1,
    })
    load.start()
    try {
      return await work()
    } finally {
      await load.stop()
      this.loads[kind].push(load)
    }
  }

  /** What a contender has stored: records are stored in their order but for a few batches. */
  private viewOf({ ledger }: Contender): StreamView | undefined {
    const { spec, addresses } = this.options
    const { stored } = ledger.tally
    if (stored < knownRecords || addresses.length === 0) return undefined
    return { fromMs: spec.startMs, toMs: recordTimeMs(spec, stored - 1), addresses }
  }

  private serviceOf(contender: Contender, arrangement: Arrangement): Promise<RunningService> {
    const { store } = contender
    const starting =
      this.services.get(contender) ??
      (arrangement === 'combined' ? startAnalytics({ store, host, port: 0 }) : forkAnalytics({ address: store.address, host, port: 0 }))
    this.services.set(contender, starting)
    return starting
  }

  private besideOf(arrangement: Arrangement, alone: AnalyticsFigures): AnalyticsBeside {
    const { contenders, alone: undisturbed } = this.options
    const contender = contenders[arrangement]
    const questions = total(this.loads[arrangement])
    const before = new Map(undisturbed.blocks.map(({ index, recordsPerSecond }) => [index, recordsPerSecond]))
    const pairs = contender.blocks.flatMap(({ index, recordsPerSecond }) => {
      const other = before.get(index) ?? 0
      return other > 0 && recordsPerSecond > 0 ? [[recordsPerSecond, other] as const] : []
    })
    return {
      questions,
      recordsPerSecond: rateOf(contender),
      ingestionTimes: pairs.length === 0 ? null : pairedRatio(pairs),
      latencyTimes: timesOf(questions.latency, alone.latency),
      audit: contender.audit?.audit ?? null,
    }
  }
}

function total([first, ...others]: readonly AnalyticsLoad[]): AnalyticsFigures {
  if (first === undefined)
    return { rate: 0, asked: 0, answered: 0, failed: 0, unsent: 0, latency: null, service: null, byQuery: {}, errors: {} }
  for (const other of others) first.add(other)
  return first.figures()
}

function rateOf({ blocks }: Contender): number | null {
  const elapsedMs = blocks.reduce((sum, block) => sum + block.elapsedMs, 0)
  return elapsedMs > 0 ? (blocks.reduce((sum, { records }) => sum + records, 0) * 1000) / elapsedMs : null
}

function timesOf(latency: Quantiles | null, alone: Quantiles | null): { readonly p50: number; readonly p99: number } | null {
  if (latency === null || alone === null || alone.p50 <= 0 || alone.p99 <= 0) return null
  return { p50: latency.p50 / alone.p50, p99: latency.p99 / alone.p99 }
}
