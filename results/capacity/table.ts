/** What people read at the end of a capacity search: a pure function from its document to text. */
import { type Display, drawTable, widest, wrapped } from '../draw.js'
import { count, milliseconds, rate, spread, times } from '../format.js'
import { publishedRecordsPerSecond } from '../published.js'
import { redact } from '../redact.js'
import type { Audit } from '../result.js'
import type { TableOptions } from '../table.js'
import { auditFindings } from '../verdict.js'
import type { Condition } from './decision.js'
import type { Capacity, CapacityResult, LatencyPoint, Probe } from './report.js'

export interface CapacityTableOptions extends TableOptions {
  /** Lists every probe with its evidence. */
  readonly verbose?: boolean
}

/** A table of texts: columns whose heads end with a space are aligned to the left, the others to the right. */
type Rows = readonly (readonly string[])[]

export function renderCapacities(result: CapacityResult, options: CapacityTableOptions): string {
  const display = { tty: options.tty, columns: options.columns ?? 120 }
  const sign = options.tty ? '±' : '+-'
  const parts = [
    fitting(summary(result, sign), display),
    ...result.capacities.flatMap((capacity) => {
      const of = [paragraph(sentences(capacity, sign), display)]
      if (capacity.latencies.length > 0) of.push(draw(latencies(capacity, sign), display))
      if (options.verbose === true && capacity.probes.length > 0) of.push(draw(probes(capacity), display))
      return of
    }),
    paragraph(closing(result, options, sign), display),
  ]
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`
}

function summary({ baseline, capacities }: CapacityResult, sign: string): Rows {
  const around = (value: number, interval: Parameters<typeof spread>[1]) => {
    const share = spread(value, interval)
    return rate(value) + (share && ` ${sign}${share}`)
  }
  const head = ['target ', 'store ', 'sustains/s', `x published ${publishedRecordsPerSecond}`, 'x measured baseline', 'full speed/s']
  const rows = capacities.map((each) => [
    each.target,
    each.store,
    each.recordsPerSecond === null ? '-' : (isAtLeast(each) ? '>= ' : '') + around(each.recordsPerSecond, each.interval),
    each.timesPublished === null ? '-' : times(each.timesPublished),
    each.timesMeasured === null ? '-' : times(each.timesMeasured),
    each.fullSpeed === null ? '-' : rate(each.fullSpeed.recordsPerSecond),
    each.durability,
    auditCell(each.audit),
    each.verdict,
    each.bound?.by ?? '-',
  ])
  const { measured } = baseline
  const baselines =
    measured === null
      ? []
      : [
          [
            'row-at-a-time',
            baseline.store ?? '',
            '-',
            times(measured / baseline.published),
            times(1),
            around(measured, baseline.interval),
            baseline.durability ?? '',
            auditCell(baseline.audit ?? null),
            'baseline',
            '-',
          ],
        ]
  return [[...head, 'durability ', 'audit ', 'verdict ', 'bound '], ...baselines, ...rows]
}

/** Nothing limited it: what is given is the highest rate that it kept. */
function isAtLeast({ end }: Capacity): boolean {
  return end === 'always' || end === 'generator'
}

function auditCell(audit: Audit | null): string {
  if (audit === null) return '-'
  const [first] = auditFindings(audit)
  return first === undefined ? 'clean' : `${count(first.count)} ${first.kind}`
}

const brokenWords: Readonly<Record<Condition, string>> = {
  backlog: 'the backlog grew',
  latency: 'p99 was beyond the limit',
  drain: 'it did not come to an end with what it was offered',
}

function sentences(capacity: Capacity, sign: string): readonly string[] {
  const { target, store, limit, probes: all, recordsPerSecond: found, interval, softness } = capacity
  const said: string[] = []
  const limited = `p99 within ${milliseconds(limit.p99Ms)} ms, backlog not growing`
  if (found === null) said.push(`${target} on ${store}: ${nothing(capacity)} (${limited}).`)
  else if (isAtLeast(capacity)) {
    said.push(`${target} on ${store} sustained ${rate(found)} records/s and was not brought to its limit (${limited}).`)
    const once = Math.max(...all.filter(({ outcome }) => outcome === 'sustained').map((probe) => probe.rate))
    if (once > found) said.push(`A probe at ${rate(once)} was sustained, too, but a lower rate was not: it does not count.`)
  } else {
    const range = interval === null ? '' : `, 95% interval ${rate(interval.low)} to ${rate(interval.high)}`
    said.push(`${target} on ${store} sustains ${rate(found)} records/s${range} (${limited}).`)
  }
  said.push(...whyNotMore(capacity))
  const searched = all.filter(({ group }) => capacity.groups[group]?.for === 'search')
  const unclear = searched.filter(({ outcome }) => outcome === 'unclear').length
  const asked = `${searched.length} ${searched.length === 1 ? 'probe' : 'probes'}${unclear > 0 ? `, ${unclear} of them unclear` : ''}`
  const soft = softness === null ? '' : `; the border is soft by ${sign}${percent(softness)} from probe to probe`
  said.push(`${asked}${endings[capacity.end]}${soft}.`)
  const reasons = capacity.verdict === 'ok' ? [] : capacity.error ? [capacity.error.message] : capacity.reasons
  if (reasons.length > 0) said.push(`${capacity.verdict}: ${redact(reasons.join('; '))}`)
  for (const finding of capacity.findings.slice(0, 5)) said.push(`${finding.kind}: record ${finding.position} of source ${finding.source}`)
  return said
}

function nothing({ end, probes: all }: Capacity): string {
  if (end === 'interrupted') return 'interrupted before a rate was sustained'
  if (end === 'failed') return 'failed before a rate was sustained'
  const refused = all.filter(({ outcome }) => outcome === 'not sustained')
  if (all.length > 0 && refused.length === 0) return 'no probe was clear enough to call a rate sustained'
  const lowest = Math.min(...refused.map((probe) => probe.rate))
  return Number.isFinite(lowest) ? `not even ${rate(lowest)} records/s was sustained` : 'no rate was probed'
}

const endings: Readonly<Record<Capacity['end'], string>> = {
  precise: '',
  budget: '; the budget was spent before the interval was as narrow as asked',
  never: '; lower rates were not tried',
  always: '; higher rates were not tried',
  generator: '; then Weir itself fell behind',
  failed: '; then it failed',
  interrupted: '; then it was interrupted',
}

function whyNotMore({ broke, bound, recordsPerSecond, probes: all }: Capacity): readonly string[] {
  const above = all.filter((probe) => probe.outcome === 'not sustained' && probe.rate > (recordsPerSecond ?? 0)).length
  const said: string[] = []
  if (broke.length > 0) {
    const reasons = broke.map(({ condition, probes: of }) => `${brokenWords[condition]} (${of} of ${above} probes)`)
    said.push(`Not more, because above that ${reasons.join(', ')}.`)
  }
  if (bound !== null && bound.by !== 'unknown') said.push(`Bound by the ${bound.by}: ${bound.evidence[0] ?? ''}.`)
  return said
}

function latencies({ latencies: points, recordsPerSecond }: Capacity, sign: string): Rows {
  const cell = (point: LatencyPoint, q: 'p50' | 'p90' | 'p99' | 'p999') => {
    const around = spread(point[q], point.intervals?.[q])
    return milliseconds(point[q]) + (around && ` ${sign}${around}`)
  }
  return [
    ['at ', 'rate/s', 'p50 ms', 'p90 ms', 'p99 ms', 'p99.9 ms', 'as a probe '],
    ...points.map((point) => [
      `${Math.round(point.share * 100)}% of ${rate(recordsPerSecond ?? 0)}`,
      rate(point.rate),
      cell(point, 'p50'),
      cell(point, 'p90'),
      cell(point, 'p99'),
      cell(point, 'p999'),
      point.outcome,
    ]),
  ]
}

function probes({ probes: all }: Capacity): Rows {
  return [
    ['probe', 'rate/s', 'seconds', 'outcome ', 'p99 ms', 'slope', 'late', 'evidence '],
    ...all.map((probe, i) => [
      String(i + 1),
      rate(probe.rate),
      probe.seconds.toFixed(1),
      probe.outcome,
      probe.latency === null ? '-' : milliseconds(probe.latency.p99),
      probe.backlogSlope === null ? '-' : percent(probe.backlogSlope.share),
      percent(probe.late.share),
      remarks(probe),
    ]),
  ]
}

function remarks({ sustained, lengthened, cutShort, broke }: Probe): string {
  return [
    `${percent(sustained)} for sustained`,
    ...broke.map((condition) => brokenWords[condition]),
    ...(lengthened ? ['lengthened'] : []),
    ...(cutShort ? ['cut short'] : []),
  ].join(', ')
}

function closing({ baseline, capacities, machine }: CapacityResult, { file }: CapacityTableOptions, sign: string): readonly string[] {
  const said: string[] = []
  if (baseline.measured !== null) {
    const around = spread(baseline.measured, baseline.interval)
    said.push(
      `Measured baseline: row-at-a-time, one thread, at full speed, ${rate(baseline.measured)}${around && ` ${sign}${around}`} records/s on ${count(baseline.sample)} records of the same stream; published: ${count(baseline.published)} records/s.`,
    )
  }
  if (capacities.some(({ bound }) => bound !== null)) {
    said.push(
      `Generator, target and store shared this machine's ${machine.cores} cores where the store is embedded: efficiency, not scale-out.`,
    )
  }
  if (file !== undefined) said.push(`Result: ${file}`)
  return said
}

function percent(share: number): string {
  const value = share * 100
  return `${(Math.abs(value) < 0.05 ? 0 : value).toFixed(Math.abs(value) < 9.95 && Math.abs(value) >= 0.05 ? 1 : 0)}%`
}

/** Short heads where the table is wider than the display, then without the columns that sentences make up for. */
function fitting(rows: Rows, display: Display): string {
  const short = rows.map((row, i) => (i > 0 ? row : row.map((head) => shortHeads[head.trim()] ?? head)))
  const left = rows[0]?.map((head) => !['full speed/s', 'durability', 'bound'].includes(head.trim())) ?? []
  const fewer = short.map((row) => row.filter((_, i) => left[i]))
  const drawn = [rows, short, fewer].map((table) => draw(table, display))
  return drawn.find((text) => widest([text]) <= display.columns) ?? drawn.at(-1) ?? ''
}

const shortHeads: Readonly<Record<string, string>> = {
  [`x published ${publishedRecordsPerSecond}`]: `x publ. ${publishedRecordsPerSecond}`,
  'x measured baseline': 'x base',
}

function draw([head = [], ...rows]: Rows, display: Display): string {
  const columns = head.map((name) => ({ head: name.trim(), align: name.endsWith(' ') ? ('left' as const) : ('right' as const) }))
  return drawTable(columns, rows, display)
}

function paragraph(texts: readonly string[], { columns }: Display): string {
  return texts.flatMap((text) => wrapped(text.replace(/\s+/g, ' '), columns, '  ')).join('\n')
}
