/** A comparison as people read it: a table, what differs, and what was left out. */
import { type Comparison, type Figure, isLatency, type Key, type Metric, type Row } from './compare.js'
import type { Difference } from './differences.js'
import { type Colour, type Display, drawTable, paint, wrapped } from './draw.js'
import { milliseconds, rate, times } from './format.js'
import { publishedRecordsPerSecond } from './published.js'
import type { Interval, Json } from './result.js'

const metricNames: Readonly<Record<Metric, string>> = { throughput: 'records/s', p50: 'p50 ms', p99: 'p99 ms', cpu: 'per core' }
const wordColours: Readonly<Record<Row['word'], Colour | undefined>> = {
  faster: 'green',
  slower: 'red',
  'no difference shown': undefined,
  'cannot tell': 'yellow',
}

/** The table and the lines under it. Of a comparison that is refused, every row carries what forbids it. */
export function renderComparison(comparison: Comparison, display: Display): string {
  const { rows, a, b } = comparison
  const stores = new Set(rows.map(({ store }) => store)).size > 1
  const scenarios = new Set(rows.map(({ scenario }) => scenario)).size > 1
  const columns = [
    { head: 'target', align: 'left' },
    ...(stores ? [{ head: 'store', align: 'left' } as const] : []),
    ...(scenarios ? [{ head: 'scenario', align: 'left' } as const] : []),
    { head: 'metric', align: 'left' },
    { head: 'A', align: 'right' },
    { head: 'B', align: 'right' },
    { head: 'B to A', align: 'right' },
    { head: `${+(100 * comparison.confidence).toFixed(1)}% interval`, align: 'left' },
    { head: 'B is', align: 'left' },
  ] as const
  const cells = rows.map((row) => [
    row.target,
    ...(stores ? [row.store] : []),
    ...(scenarios ? [row.scenario] : []),
    metricNames[row.metric],
    shown(row.a, row.metric),
    shown(row.b, row.metric),
    row.ratio === null ? '-' : percent(row.ratio),
    between(row.interval),
    wordOf(row, comparison, display),
  ])
  const head = [`A: ${sideOf(a)}`, `B: ${sideOf(b)}`, caption(rows)].filter((line) => line !== '')
  return `${[...head.map((line) => paint(display, 'dim', line)), '', drawTable(columns, cells, display), '', ...notes(comparison, display)].join('\n')}\n`
}

const forced = '--force prints the comparison all the same, with what forbids it in every row'

/** Why a comparison is refused, field by field, and what to do, where something can be done. */
export function renderRefusals({ refusals, rows }: Comparison, advice: string | null = forced): string {
  const reasons = summed(
    refusals.map((one) => [one, refusalOf(one)]),
    rows,
  )
  return ['these results may not be compared:', ...reasons.map((reason) => `  ${reason}`), ...(advice === null ? [] : [advice])].join('\n')
}

function sideOf({ name, files }: Comparison['a']): string {
  if (files.length === 1 && files[0] === name) return name
  return `${name} (${files.length} ${files.length === 1 ? 'result' : 'results'})`
}

/** Store and scenario where they are everyone's. */
function caption(rows: readonly Row[]): string {
  const [first] = rows
  if (first === undefined) return ''
  const same = (pick: (key: Key) => string) => rows.every((row) => pick(row) === pick(first))
  return [same(({ scenario }) => scenario) && first.scenario, same(({ store }) => store) && first.store].filter(Boolean).join(', ')
}

function wordOf(row: Row, { refusals }: Comparison, display: Display): string {
  const colour = wordColours[row.word]
  const word =
    colour === undefined
      ? row.word
      : row.word
          .split(' ')
          .map((part) => paint(display, colour, part))
          .join(' ')
  const forbidden = refusals.filter((refusal) => sameKey(refusal, row)).map(({ field }) => field)
  const said = [
    row.because ?? '',
    row.advice.length > 0 && row.word !== 'cannot tell' ? `advice: ${row.advice.join(', ')}` : '',
    forbidden.length > 0 ? `not comparable: ${[...new Set(forbidden)].join(', ')}` : '',
  ].filter((text) => text !== '')
  return said.length === 0 ? word : `${word} (${said.join('; ')})`
}

function notes(comparison: Comparison, display: Display): readonly string[] {
  const { rows, refusals, environment, subject, onlyInA, onlyInB, leftOut } = comparison
  const lines: string[] = []
  const say = (text: string, colour?: Colour) => {
    for (const line of wrapped(text, display.columns, '  ')) lines.push(colour === undefined ? line : paint(display, colour, line))
  }
  for (const text of summed(
    refusals.map((one) => [one, refusalOf(one)]),
    rows,
  ))
    say(`Not comparable: ${text}.`, 'red')
  for (const text of summed(
    environment.map((one) => [one, differenceOf(one)]),
    rows,
  ))
    say(`Another environment: ${text}.`, 'yellow')
  const subjects = summed(
    subject.map((one) => [one, differenceOf(one)]),
    rows,
  )
  for (const text of subjects) say(`Compared: ${text}.`)
  if (rows.length > 0 && subjects.length === 0)
    say('Target, options and build are the same on both sides: a difference is one of the machine or of chance.')
  if (onlyInA.length > 0) say(`Only in A: ${onlyInA.map(nameOf).join('; ')}.`)
  if (onlyInB.length > 0) say(`Only in B: ${onlyInB.map(nameOf).join('; ')}.`)
  for (const left of leftOut) say(`Left out: ${nameOf(left)} in ${left.file}: ${left.reason}.`)
  for (const row of rows) if (row.metric === 'throughput') say(yardsticksOf(row))
  for (const text of unitNotes(rows)) say(text)
  return lines
}

/** Both sides over both baselines: a ratio still means something on another machine. */
function yardsticksOf({ a, b, ...key }: Row): string {
  const side = ({ value, timesMeasured }: Figure) => {
    const measured = typeof timesMeasured === 'number' ? `${times(timesMeasured)} times` : 'no baseline measured'
    return `${times(value / publishedRecordsPerSecond)} times, ${measured}`
  }
  return `Over the published ${publishedRecordsPerSecond} and over the measured baseline, ${nameOf(key)}: A ${side(a)}; B ${side(b)}.`
}

/** Whose values the intervals rest on. */
function unitNotes(rows: readonly Row[]): readonly string[] {
  const has = (unit: Row['unit']) => rows.some((row) => row.unit === unit && row.interval !== null)
  return [
    ...(rows.some(({ ratio, interval }) => ratio !== null && interval === null)
      ? ['One result a side says nothing of how much the next would differ: blocks within a result are not runs.']
      : []),
    ...(has('documents')
      ? ['Intervals rest on how much one result differs from the next, never on blocks within one: A and B ran apart from each other.']
      : []),
    ...(has('runs')
      ? [
          'A side has a single session: what the machine did in that session counts as a difference. Several sessions a side, or weir run with both targets in one, tell the two apart.',
        ]
      : []),
    ...(rows.some(({ metric }) => metric === 'cpu')
      ? ['Per core: records for each second of CPU time that target and store used together.']
      : []),
    ...(has('pairs of blocks') ? ['A and B took turns in one session: blocks of the same round are compared as pairs.'] : []),
  ]
}

/** One sentence for what several keys have in common; without their names when it is true of all that are compared. */
function summed(said: readonly (readonly [Key, string])[], rows: readonly Row[]): readonly string[] {
  const keys = new Map<string, Set<string>>()
  for (const [key, text] of said) keys.set(text, (keys.get(text) ?? new Set()).add(nameOf(key)))
  const all = new Set(rows.map(nameOf)).size
  return [...keys].map(([text, names]) => (names.size === all ? text : `${text} (${[...names].join('; ')})`))
}

function refusalOf({ between, field, a, b }: Difference & { readonly between: string }): string {
  if (field === 'verdict') return `the verdict is ${a} in ${between}, so its figures cannot be believed`
  return between === 'A and B' ? differenceOf({ field, a, b }) : `${field} is ${inWords(a)} and ${inWords(b)} in ${between}`
}

function differenceOf({ field, a, b }: Difference): string {
  return `${field} is ${inWords(a)} in A, ${inWords(b)} in B`
}

function inWords(value: Json): string {
  if (value === null) return 'not set'
  if (typeof value === 'string') return /^[0-9a-f]{40,}$/.test(value) ? value.slice(0, 12) : value
  return typeof value === 'number' ? value.toLocaleString('en-US', { maximumFractionDigits: 6 }) : JSON.stringify(value)
}

function nameOf({ target, store, scenario }: Key): string {
  return `${target} on ${store}, ${scenario}`
}

function sameKey(a: Key, b: Key): boolean {
  return a.target === b.target && a.store === b.store && a.scenario === b.scenario
}

function shown({ value, runs }: Figure, metric: Metric): string {
  const figure = isLatency(metric) ? milliseconds(value) : rate(value)
  return runs === 1 ? figure : `${figure} (${runs})`
}

/** A ratio as a difference: 1.123 -> '+12.3%'. */
export function percent(ratio: number): string {
  if (ratio >= 10) return `${ratio.toFixed(1)} x`
  const share = 100 * (ratio - 1)
  return `${share >= 0 ? '+' : ''}${Math.abs(share) >= 99.5 ? share.toFixed(0) : share.toFixed(1)}%`
}

function between(interval: Interval | null): string {
  return interval === null ? '-' : `${percent(interval.low)} to ${percent(interval.high)}`
}
