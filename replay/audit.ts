/** The audit: reads a store back and reconciles every row with the source that it came from, in memory that does not grow with the run. */
import { setImmediate as immediate } from 'node:timers/promises'
import { BufferPool } from '../generators/buffer-pool.js'
import { Digester, type Listed, type Place } from '../generators/digester.js'
import { Encoder, messageHeaderBytes } from '../generators/encoder.js'
import type { Chunk, Format } from '../generators/record.js'
import type { Cursor, Source } from '../generators/source.js'
import type { Audit, Finding } from '../results/result.js'
import type { Layout, PositionFilter, Scanner } from '../stores/store.js'
import type { DroppedSpan, Fates, Span } from './ledger.js'

export interface AuditRequest {
  readonly scanner: Scanner
  readonly source: Source
  /** What was offered, and the fates that a store cannot show. */
  readonly fates: Fates
  readonly layout: Layout
  readonly format: Format
}

export interface AuditReport {
  readonly audit: Audit
  /** The first ones, in order of their positions within each kind of pass; the counts are whole. */
  readonly findings: readonly Finding[]
}

/** Findings that are named. */
const findingsKept = 1000
const chunkLines = 4046
const arenaBytes = 8 * 1024 * 1024
/** Positions that are compared row by row at once. */
const positionsAtOnce = 65_536
/** Characters of a line that a finding quotes. */
const quoted = 240

/**
 * Reconciles in two passes. The first sums digests of everything expected and subtracts those of everything found, by
 * ranges of positions and in any order; where the sums are zero, all is well. The second reads the other ranges again
 * and names what differs.
 */
export async function audit(request: AuditRequest): Promise<AuditReport> {
  return new Auditor(request).run()
}

class Auditor {
  private readonly encoder: Encoder
  private readonly digester: Digester
  private rejected = 0
  /** Records that went with their month, those of them that `name` came upon, and rows that ought to have gone too. */
  private dropped = 0
  private readonly droppedByMonth = new Map<string, number>()
  /** Sums of the positions of those rows. */
  private readonly droppedPositions = new Map<string, bigint>()
  private droppedNamed = 0
  private remains = 0
  private readonly findings: Finding[] = []
  private readonly buffers = new BufferPool()
  private readonly tally = {
    stored: 0,
    rejected: 0,
    excluded: 0,
    refused: 0,
    failed: 0,
    lost: 0,
    duplicated: 0,
    corrupted: 0,
    misplaced: 0,
  }

  constructor(private readonly request: AuditRequest) {
    const { fates, layout, format } = request
    const { encoding } = request.scanner
    const { partitionKey, partitions } = layout
    // RowBinary does not tell an IPv4 address from the IPv6 address that it is mapped to.
    const mappedAddresses = encoding === 'row-binary' ? 'alike' : 'apart'
    this.encoder = new Encoder({ format, partitionKey, partitions, arenaBytes, arenas: 1, mappedAddresses })
    const { from, to } = fates.offered
    this.digester = new Digester({ source: fates.source, first: from, length: to - from, encoding }, this.encoder.kernel)
  }

  async run(): Promise<AuditReport> {
    const { scanner, fates } = this.request
    const { offered } = fates
    const begin = performance.now()
    await Promise.all([this.expect(offered), this.find(scanner)])
    const seconds = (performance.now() - begin) / 1000
    const total = offered.to - offered.from
    const bad = this.digester.bad(positionsAtOnce)
    const badRecords = bad.reduce((sum, { from, to }) => sum + to - from, 0)
    const rejectedInBad = await this.name(bad)
    // What was named was tallied there.
    const droppedElsewhere = this.dropped - this.droppedNamed
    this.tally.rejected += this.rejected - rejectedInBad
    this.tally.excluded += droppedElsewhere
    this.tally.stored += total - badRecords - (this.rejected - rejectedInBad) - droppedElsewhere
    for (const span of fates.dropped ?? []) this.compareCounts(span)
    const outside = this.digester.unexpected()
    for (const { source, position } of outside.records) this.note({ kind: 'unexpected', source, position })
    return {
      audit: {
        offered: total,
        ...this.tally,
        unexpected: outside.total + this.remains,
        rowsPerSecond: seconds > 0 ? (this.digester.foundTuples - this.dropped) / seconds : 0,
      },
      findings: this.findings,
    }
  }

  /** Sums what ought to be there: not the rows that were dropped with their month. */
  private async expect(offered: Span): Promise<void> {
    for (const { from, to, month } of cut(offered, this.request.fates.dropped ?? [])) {
      const cursor = await this.request.source.open(from, this.buffers)
      try {
        await this.encodeRange(cursor, to, () => {
          this.digester.expect(this.encoder, 0)
          if (month !== undefined) this.expectDropped(month)
          for (const { first, count, reason } of this.encoder.runs(0)) {
            if (reason === undefined) continue
            this.rejected += count
            if (month !== undefined) this.expectPositions(month, -sumOf({ from: first, to: first + count }))
          }
        })
        if (month !== undefined) this.expectPositions(month, sumOf({ from, to }))
      } finally {
        await cursor.close()
      }
    }
  }

  /** Takes the month's rows of the arena out of the sums again: found before anything is read. */
  private expectDropped(month: string): void {
    for (const leaf of this.encoder.leaves(0)) {
      if (leaf.month !== month) continue
      for (const segment of leaf.segments) this.digester.found(segment.subarray(messageHeaderBytes), leaf)
      this.dropped += leaf.rows
      this.droppedByMonth.set(month, (this.droppedByMonth.get(month) ?? 0) + leaf.rows)
    }
  }

  private expectPositions(month: string, sum: bigint): void {
    this.droppedPositions.set(month, (this.droppedPositions.get(month) ?? 0n) + sum)
  }

  /** Encodes the cursor's records up to a position and hands over every arena that is full, and the last. */
  private async encodeRange(cursor: Cursor, to: number, take: () => void, line?: (chunk: Chunk) => void): Promise<void> {
    this.encoder.begin(0)
    while (cursor.position < to) {
      const first = cursor.position
      const made = await cursor.next(Math.min(chunkLines, to - first))
      if (made === undefined || made.count === 0)
        throw new Error(`the source ends at record ${first}, but ${to} records were offered: has the file changed?`)
      const chunk: Chunk = { source: this.request.fates.source, first, ...made }
      line?.(chunk)
      for (let done = 0; done < chunk.count; ) {
        const { lines, full, unknownMonth } = this.encoder.encode(0, chunk, done)
        done += lines
        if (unknownMonth !== undefined) this.encoder.addMonth(unknownMonth)
        if (full) {
          take()
          this.encoder.begin(0)
        }
      }
      if (line === undefined) this.buffers.give(chunk.lines)
      // What the store sends meanwhile gets its turn.
      await immediate()
    }
    take()
  }

  /** Subtracts what is there. */
  private async find(scanner: Scanner): Promise<void> {
    for await (const { partition, bytes } of scanner.rows()) this.digester.foundWire(bytes, partition)
    this.digester.endWire()
    for await (const { bytes } of scanner.rejects()) this.digester.foundWire(bytes, undefined, 'rejects')
    this.digester.endWire()
  }

  /** Compares ranges that did not reconcile record by record; returns how many of their records were expected to be rejected. */
  private async name(ranges: readonly Span[]): Promise<number> {
    if (ranges.length === 0) return 0
    const { source } = this.request
    let rejected = 0
    let cursor: Cursor | undefined
    try {
      for (const range of ranges) {
        if (source.spec.kind === 'stream') {
          await cursor?.close()
          cursor = await source.open(range.from)
        }
        cursor ??= await source.open(range.from)
        // A file is read once, from range to range, since it can only be read forwards.
        while (cursor.position < range.from)
          if ((await cursor.next(Math.min(chunkLines, range.from - cursor.position))) === undefined) break
        rejected += await this.nameRange(range, cursor)
      }
    } finally {
      await cursor?.close()
    }
    return rejected
  }

  private async nameRange(range: Span, cursor: Cursor): Promise<number> {
    const expected = new Map<number, Listed>()
    const lines: Chunk[] = []
    const keep = (chunk: Chunk) => {
      if (this.findings.length < findingsKept) lines.push(chunk)
    }
    await this.encodeRange(
      cursor,
      range.to,
      () => {
        for (const listed of this.digester.listExpected(this.encoder, 0, range)) expected.set(listed.position, listed)
      },
      keep,
    )
    const found = await this.list(range)
    let rejected = 0
    for (let position = range.from; position < range.to; position++) {
      const wanted = expected.get(position)
      if (wanted === undefined) throw new Error(`the audit made no expectation for record ${position}`)
      const gone = this.droppedMonthOf(position)
      if (gone !== undefined && wanted.place?.month === gone) {
        this.compareDropped(position, gone, found.get(position) ?? [])
        continue
      }
      if (wanted.place === undefined) rejected++
      this.compare(wanted, found.get(position) ?? [], () => quote(lines, position))
    }
    return rejected
  }

  /** What lies in the store for some positions. */
  private async list(range: Span): Promise<Map<number, Listed[]>> {
    const { scanner, fates } = this.request
    const filter: PositionFilter = { source: fates.source, ...range }
    const found = new Map<number, Listed[]>()
    const enter = (listed: readonly Listed[]) => {
      for (const each of listed) found.set(each.position, [...(found.get(each.position) ?? []), each])
    }
    for await (const { partition, bytes } of scanner.rows(filter)) enter(this.digester.listWire(bytes, partition, range).listed)
    this.digester.endWire()
    for await (const { bytes } of scanner.rejects(filter)) enter(this.digester.listWire(bytes, undefined, range, 'rejects').listed)
    this.digester.endWire()
    return found
  }

  private compare(wanted: Listed, found: readonly Listed[], line: () => string): void {
    const { position } = wanted
    const { source } = this.request.fates
    if (found.length === 0) {
      const fate = this.fateOf(position)
      this.tally[fate]++
      if (fate === 'lost') this.note({ kind: 'lost', source, position, expected: line() })
      return
    }
    this.tally[wanted.place === undefined ? 'rejected' : 'stored']++
    const whole = found.filter((each) => each.digest === wanted.digest)
    const inPlace = whole.some((each) => samePlace(each.place, wanted.place))
    if (whole.length === 0) {
      this.tally.corrupted++
      this.note({ kind: 'corrupted', source, position, expected: line(), found: `a different row in ${placeText(found[0]?.place)}` })
    } else if (!inPlace) {
      this.tally.misplaced++
      this.note({ kind: 'misplaced', source, position, expected: placeText(wanted.place), found: placeText(whole[0]?.place) })
    }
    if (found.length > 1) {
      this.tally.duplicated += found.length - 1
      this.note({ kind: 'duplicated', source, position, expected: 'one row', found: `${found.length} rows` })
    }
  }

  /** Of a record whose month was dropped nothing may be left. */
  private compareDropped(position: number, month: string, found: readonly Listed[]): void {
    this.tally.excluded++
    this.droppedNamed++
    this.remains += found.length
    if (found.length === 0) return
    const place = placeText(found[0]?.place)
    this.note({
      kind: 'unexpected',
      source: this.request.fates.source,
      position,
      expected: `nothing, since month ${month} was dropped`,
      found: found.length === 1 ? `a row in ${place}` : `${found.length} rows, the first in ${place}`,
    })
  }

  /**
   * Of a month that is gone there is the number of its rows, and the sum of their positions: one that was lost before cannot be
   * named, but it is missed, also where another was stored twice.
   */
  private compareCounts({ month, rows, positions, ...span }: DroppedSpan): void {
    if (rows === undefined) return
    const wanted = this.droppedByMonth.get(month) ?? 0
    const inDoubt = this.request.fates.failed.reduce(
      (sum, { from, to }) => sum + Math.max(0, Math.min(to, span.to) - Math.max(from, span.from)),
      0,
    )
    const missing = Math.max(0, wanted - rows)
    const failed = Math.min(missing, inDoubt)
    const lost = missing - failed
    const duplicated = Math.max(0, rows - wanted)
    this.tally.excluded -= missing
    this.tally.failed += failed
    this.tally.lost += lost
    this.tally.duplicated += duplicated
    const { source } = this.request.fates
    const sum = BigInt.asUintN(64, this.droppedPositions.get(month) ?? 0n).toString()
    // Where records are in doubt no sum is known beforehand.
    if (inDoubt === 0 && lost + duplicated === 0 && positions !== undefined && positions !== sum) {
      this.tally.excluded--
      this.tally.lost++
      this.tally.duplicated++
      this.note({
        kind: 'lost',
        source,
        position: span.from,
        expected: `${wanted} rows in month ${month}, their positions adding up to ${sum}`,
        found: `as many, adding up to ${positions}: some were lost and others stored twice; nobody can tell which`,
      })
    }
    if (lost + duplicated === 0) return
    const counts = { expected: `${wanted} rows in month ${month}`, found: `${rows} when it was dropped; nobody can tell which` }
    this.note({ kind: lost > 0 ? 'lost' : 'duplicated', source, position: span.from, ...counts })
  }

  private droppedMonthOf(position: number): string | undefined {
    return this.request.fates.dropped?.find(({ from, to }) => from <= position && position < to)?.month
  }

  private fateOf(position: number): 'excluded' | 'refused' | 'failed' | 'lost' {
    const { excluded, refused, failed } = this.request.fates
    const within = (spans: readonly Span[]) => spans.some(({ from, to }) => from <= position && position < to)
    if (within(excluded)) return 'excluded'
    if (within(refused)) return 'refused'
    return within(failed) ? 'failed' : 'lost'
  }

  private note(finding: Finding): void {
    if (this.findings.length < findingsKept) this.findings.push(finding)
  }
}

/** A span in pieces, parted where a month that was dropped begins or ends. */
function cut(whole: Span, dropped: readonly DroppedSpan[]): (Span & { readonly month?: string })[] {
  const pieces: (Span & { readonly month?: string })[] = []
  let at = whole.from
  for (const { month, ...span } of [...dropped].sort((a, b) => a.from - b.from)) {
    const from = Math.max(at, span.from)
    const to = Math.min(whole.to, span.to)
    if (from >= to) continue
    if (from > at) pieces.push({ from: at, to: from })
    pieces.push({ from, to, month })
    at = to
  }
  if (at < whole.to) pieces.push({ from: at, to: whole.to })
  return pieces
}

function samePlace(a: Place, b: Place): boolean {
  return a === b || (a !== undefined && b !== undefined && a.month === b.month && a.remainder === b.remainder)
}

function placeText(place: Place): string {
  return place === undefined ? 'no partition of the layout' : `month ${place.month}, hash partition ${place.remainder}`
}

/** The beginning of a record's line, as text. */
function quote(chunks: readonly Chunk[], position: number): string {
  const chunk = chunks.find(({ first, count }) => first <= position && position < first + count)
  if (chunk === undefined) return 'not kept'
  let start = 0
  for (let i = chunk.first; i < position; i++) start = chunk.lines.indexOf(10, start) + 1
  const end = chunk.lines.indexOf(10, start)
  const text = new TextDecoder().decode(chunk.lines.subarray(start, Math.min(end, start + quoted)))
  return end - start > quoted ? `${text}...` : text
}

/** Sum of all positions of a stretch. */
function sumOf({ from, to }: Span): bigint {
  return ((BigInt(from) + BigInt(to) - 1n) * BigInt(to - from)) / 2n
}
