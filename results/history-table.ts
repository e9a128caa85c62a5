/** Histories as people read them: a row with a sparkline for each series, and its changes under the table. */
import { percent } from './compare-table.js'
import { type Display, drawTable, paint, wrapped } from './draw.js'
import { milliseconds, rate, times } from './format.js'
import type { History, HistoryChange, HistoryMetric, Series } from './history.js'
import { leastHistory } from './history.js'
import { publishedRecordsPerSecond } from './published.js'
import type { Json } from './result.js'
import { sparkline } from './sparkline.js'

/** The table, the changes with their dates and documents, and what is in no series. */
export function renderHistory({ series, leftOut }: History, metric: HistoryMetric, display: Display): string {
  const columns = [
    { head: 'series', align: 'left' },
    { head: 'results', align: 'right' },
    { head: 'history', align: 'left' },
    { head: metric === 'throughput' ? 'last records/s' : 'last p99 ms', align: 'right' },
    ...(metric === 'throughput' ? [{ head: 'x publ.', align: 'right' } as const, { head: 'x base', align: 'right' } as const] : []),
    { head: 'changes', align: 'left' },
  ] as const
  const width = Math.max(8, Math.min(40, display.columns - 84))
  const rows = series.map((one, i) => {
    const last = one.points.at(-1)
    return [
      `${i + 1}. ${one.target} on ${one.store}`,
      String(one.points.length),
      sparkline(
        one.points.map(({ value }) => value),
        { tty: display.tty, width },
      ),
      last === undefined ? '-' : figure(last.value, metric),
      ...(metric === 'throughput' ? [publishedTimes(one), baseTimes(one)] : []),
      changesCell(one, metric, display),
    ]
  })
  const details = series.flatMap((one, i) => [
    paint(display, 'dim', `${i + 1}. ${describe(one, series)}`),
    ...one.changes.flatMap((change) => wrapped(`   ${sentence(change, metric)}`, display.columns, '      ')),
    ...ratesNote(one).flatMap((text) => wrapped(`   ${text}`, display.columns, '      ')),
  ])
  return `${[drawTable(columns, rows, display), '', ...details, ...leftOutLines(leftOut)].join('\n')}\n`
}

/** What tells a series from the others: workload, durability, dates; the hashes where two would read the same. */
function describe(one: Series, all: readonly Series[]): string {
  const { scenario, records, durability, points } = one
  const text = `${one.target} on ${one.store}, ${scenario}, ${records.toLocaleString('en-US')} records, ${durability}`
  const alike = all.filter((other) => other !== one && other.target === one.target && other.store === one.store)
  const hashes = alike.length === 0 ? '' : `, workload ${one.workloadHash.slice(0, 8)}, environment ${one.environmentHash.slice(0, 8)}`
  const [first, last] = [points[0]?.createdAt ?? '', points.at(-1)?.createdAt ?? '']
  return `${text}${hashes}: ${first === last ? day(first) : `${day(first)} to ${day(last)}`}`
}

function changesCell({ points, changes }: Series, metric: HistoryMetric, display: Display): string {
  if (points.length < leastHistory) return `too few to see (${leastHistory} at the least)`
  const last = changes.at(-1)
  if (last === undefined) return 'none'
  const better = last.ratio > 1 === (metric === 'throughput')
  const size = paint(display, better ? 'green' : 'red', percent(last.ratio))
  return changes.length === 1 ? size : `${changes.length}, the last ${size}`
}

function sentence({ createdAt, ratio, before, after, file, p, subject, subjectFile }: HistoryChange, metric: HistoryMetric): string {
  const moved = `${day(createdAt)}  ${percent(ratio)} (${figure(before, metric)} to ${figure(after, metric)}, p ${p.toFixed(3)}) from ${file} on`
  if (subjectFile === null) return `${moved}; target, options and build stayed the same`
  const what = subject.map(({ field, a, b }) => `${field} ${inWords(a)} -> ${inWords(b)}`).join(', ')
  return `${moved}; with ${subjectFile === file ? 'it' : `${subjectFile}, near by,`} came ${what}`
}

/** Latencies of different rates are not one series; the rate is part of what is shown. */
function ratesNote({ points }: Series): readonly string[] {
  const rates = points.flatMap((point) => point.rate ?? [])
  const [low, high] = [Math.min(...rates), Math.max(...rates)]
  if (rates.length === 0 || high <= low * 1.02) return []
  return [`its rates differ, from ${rate(low)} to ${rate(high)}/s: a change may be one of the rate (weir run --rate keeps it)`]
}

function leftOutLines(leftOut: History['leftOut']): readonly string[] {
  const reasons = new Map<string, string[]>()
  for (const { reason, target, file } of leftOut) reasons.set(reason, [...(reasons.get(reason) ?? []), `${target} in ${file}`])
  return [...reasons].map(([reason, runs]) => {
    const rest = runs.length > 3 ? ` and ${runs.length - 3} more` : ''
    return `Left out: ${runs.slice(0, 3).join('; ')}${rest}: ${reason}.`
  })
}

/** Of the last document. */
function publishedTimes({ points }: Series): string {
  const last = points.at(-1)
  return last === undefined ? '-' : times(last.value / publishedRecordsPerSecond)
}

/** Of the last document; '-' when its session measured no baseline. */
function baseTimes({ points }: Series): string {
  const last = points.at(-1)?.timesMeasured ?? null
  return last === null ? '-' : times(last)
}

function figure(value: number, metric: HistoryMetric): string {
  return metric === 'throughput' ? rate(value) : milliseconds(value)
}

function day(createdAt: string): string {
  return createdAt.slice(0, 16).replace('T', ' ')
}

function inWords(value: Json): string {
  if (value === null) return 'not set'
  if (typeof value === 'string') return /^[0-9a-f]{40,}$/.test(value) ? value.slice(0, 12) : value
  return JSON.stringify(value)
}
