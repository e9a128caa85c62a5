/** Renders a stream's lines in a kernel of its own, into one buffer that is used again and again. */
import { Kernel, kernelModule } from './kernel/kernel.js'
import { profileNamed } from './profiles.js'
import { formats, partitionKeys } from './record.js'
import type { StreamSpec } from './source.js'

/** No line is longer than this, newline included; the kernel stops a line that might not fit below it. */
export const longestLineBytes = 2048

/** Records whose simulation hangs together: a range that begins at a multiple of this costs nothing to find. */
export const blockRecords = 8192

type Render = (from: bigint, count: number, out: number, capacity: number) => number

/** What one call rendered: `bytes` lies in the renderer's buffer and is valid until its next call. */
export interface Rendered {
  readonly bytes: Uint8Array
  readonly count: number
}

export class Renderer {
  private readonly kernel: Kernel
  private readonly buffer: number
  private readonly renderLines: Render
  private readonly renderedCount: () => number

  /**
   * @param bufferBytes size of the buffer, which bounds what one call renders; at least `longestLineBytes`.
   * @throws when the spec names an unknown profile, or a seed, start or rate out of range.
   */
  constructor(
    spec: StreamSpec,
    readonly bufferBytes = 1 << 20,
    module: WebAssembly.Module = kernelModule(),
  ) {
    checkStream(spec)
    this.kernel = new Kernel(module)
    this.buffer = this.kernel.alloc(bufferBytes)
    this.renderLines = this.kernel.exports['render'] as Render
    this.renderedCount = this.kernel.exports['renderedCount'] as () => number
    const start = this.kernel.exports['renderStream'] as (format: number, seed: bigint, startSecond: bigint, perDay: bigint) => void
    start(formats.indexOf(spec.format), BigInt.asIntN(64, BigInt(spec.seed)), BigInt(spec.startMs / 1000), BigInt(spec.recordsPerDay))
    const { late, hot } = spec
    if (late === undefined && hot === undefined) return
    const shape = this.kernel.exports['renderShape'] as (late: bigint, hotKey: number, hot: bigint) => void
    shape(ofAll(late?.share ?? 0), partitionKeys.indexOf(hot?.key ?? 'address'), ofAll(hot?.share ?? 0))
  }

  /** Renders records from `first` on: `count` of them, or as many as the buffer takes. */
  render(first: number, count: number): Rendered {
    const bytes = this.renderLines(BigInt(first), Math.min(count, 0x7fffffff), this.buffer, this.bufferBytes)
    return { bytes: this.kernel.bytes().subarray(this.buffer, this.buffer + bytes), count: this.renderedCount() }
  }
}

/** A share as that of 2^64 which the kernel compares random bits with. */
function ofAll(share: number): bigint {
  const part = BigInt(Math.round(share * 2 ** 53)) << 11n
  return BigInt.asIntN(64, share >= 1 ? 2n ** 64n - 1n : part)
}

let clock: Kernel | undefined

/** Time of a stream's position, milliseconds since the epoch: when its record arrives, which may carry an earlier time. */
export function recordTimeMs(spec: Pick<StreamSpec, 'startMs' | 'recordsPerDay'>, position: number): number {
  clock ??= new Kernel()
  const recordTime = clock.exports['recordTime'] as (startSecond: bigint, perDay: bigint, at: bigint) => bigint
  return Number(recordTime(BigInt(spec.startMs / 1000), BigInt(spec.recordsPerDay), BigInt(position))) * 1000
}

/** First position whose time is this one or later, milliseconds since the epoch. */
export function firstPositionAt(spec: Pick<StreamSpec, 'startMs' | 'recordsPerDay'>, timeMs: number): number {
  // A day has its records wherever it begins, so that many days on the time has come.
  let low = 0
  let high = Math.max(0, Math.ceil((timeMs - spec.startMs) / 86_400_000)) * spec.recordsPerDay
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    if (recordTimeMs(spec, middle) >= timeMs) high = middle
    else low = middle + 1
  }
  return low
}

/** The years of `startMs`: those whose months the stores can name. */
const earliestMs = Date.UTC(1970, 0, 1)
const earliestLateMs = Date.UTC(1970, 2, 1)
const hotKeys: readonly string[] = partitionKeys.filter((key) => key !== 'id')
const latestMs = Date.UTC(2100, 0, 1) - 1000

/**
 * Why so many records of the stream (null: nobody knows how many) do not lie within the years whose months stores can name;
 * undefined when they do.
 */
export function spanTrouble(spec: StreamSpec, records: number | null): string | undefined {
  const yearOf = (ms: number) => 1970 + Math.floor(ms / 31_556_952_000)
  const remedy = 'give another --start, more --records-per-day or fewer records (-n)'
  const within = (ms: number) => ms >= earliestMs && ms <= latestMs + 999
  if (!within(spec.startMs)) return `the stream would begin in the year ${yearOf(spec.startMs)}, not in 1970 to 2099: ${remedy}`
  if (records === null || records < 1) return undefined
  const lastMs = recordTimeMs(spec, records - 1)
  return within(lastMs) ? undefined : `the stream would end in the year ${yearOf(lastMs)}, not in 1970 to 2099: ${remedy}`
}

/** @throws an Error that says which part of the spec is out of range, and what the range is. */
export function checkStream(spec: StreamSpec): void {
  profileNamed(spec.profile)
  if (!formats.includes(spec.format)) throw new Error(`format ${JSON.stringify(spec.format)} is unknown; there are ${formats.join(', ')}`)
  if (!/^\d{1,20}$/.test(spec.seed) || BigInt(spec.seed) >= 2n ** 64n) {
    throw new Error(`seed ${spec.seed} is not a whole number from 0 to 18446744073709551615`)
  }
  if (!Number.isInteger(spec.startMs / 1000) || spec.startMs < earliestMs || spec.startMs > latestMs) {
    throw new Error(`start ${spec.startMs} is not a whole second of the years 1970 to 2099, in milliseconds since the epoch`)
  }
  if (!Number.isInteger(spec.recordsPerDay) || spec.recordsPerDay < 1 || spec.recordsPerDay > 1e11) {
    throw new Error(`${spec.recordsPerDay} records a day is not a whole number from 1 to 10^11`)
  }
  for (const [what, share] of [
    ['late', spec.late?.share],
    ['hot', spec.hot?.share],
  ] as const) {
    if (share !== undefined && !(share >= 0 && share <= 1)) throw new Error(`the share of ${what} records, ${share}, is not within 0 and 1`)
  }
  if (spec.late !== undefined && spec.startMs < earliestLateMs) {
    throw new Error('a stream with late records starts in March 1970 at the earliest: they reach two months back')
  }
  if (spec.hot !== undefined && !hotKeys.includes(spec.hot.key)) {
    throw new Error(`no value of ${JSON.stringify(spec.hot.key)} can be hot; there are ${hotKeys.join(', ')}`)
  }
}
