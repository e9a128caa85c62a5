/** The table that people read at the end of a run: a pure function from a result document to text. */
import Table from 'cli-table3'
import { count, milliseconds, rate, spread, times } from './format.js'
import { publishedRecordsPerSecond } from './published.js'
import { rank } from './rank.js'
import { redact } from './redact.js'
import { together } from './repetitions.js'
import type { AnalyticsFigures, Audit, Disturbance, Latency, Quantiles, Result, Run, Verdict } from './result.js'
import { batchesNeeded } from './statistics.js'
import { auditFindings } from './verdict.js'

export interface TableOptions {
  /** Whether the output is a terminal: colours and typographic signs, or plain ASCII. */
  readonly tty: boolean
  /** Width to fit, when that is possible (default 120). */
  readonly columns?: number
  /** Where the result was written; undefined when it was not. */
  readonly file?: string | undefined
}

/** A run, or the measured baseline, as what its cells are made from. */
interface Line {
  readonly target: string
  readonly store: string
  readonly recordsPerSecond: number | null
  readonly spread: string
  readonly timesPublished: number | null
  readonly timesMeasured: number | null
  readonly latency: Latency | null
  readonly durability: string
  readonly audit: string
  readonly verdict: Verdict | 'baseline'
  readonly bound: string
}

/** How a table is drawn: signs and colours of a terminal, or ASCII. */
interface Ink {
  readonly plusMinus: string
  readonly rule: string
  readonly none: string
  paint(colour: Colour, text: string): string
}

const colours = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33 } as const
type Colour = keyof typeof colours

const terminal: Ink = {
  plusMinus: '±',
  rule: '─',
  none: '–',
  paint: (colour, text) => (text === '' ? '' : `\u001b[${colours[colour]}m${text}\u001b[0m`),
}
const ascii: Ink = { plusMinus: '+-', rule: '-', none: '-', paint: (_, text) => text }

interface Column {
  readonly head: string
  readonly align: 'left' | 'right'
  cell(line: Line, ink: Ink): string
}

const ms = (pick: (latency: Latency) => number) => (line: Line, ink: Ink) => (line.latency ? milliseconds(pick(line.latency)) : ink.none)
const msSpread = (name: 'p50' | 'p99') => (line: Line, ink: Ink) => {
  if (!line.latency) return ink.none
  const around = spread(line.latency[name], line.latency.intervals?.[name])
  return milliseconds(line.latency[name]) + (around && ` ${ink.plusMinus}${around}`)
}

const columns = {
  target: { head: 'target', align: 'left', cell: (line) => line.target },
  store: { head: 'store', align: 'left', cell: (line) => line.store },
  rate: {
    head: 'records/s',
    align: 'right',
    cell: (line, ink) =>
      line.recordsPerSecond === null ? ink.none : rate(line.recordsPerSecond) + (line.spread && ` ${ink.plusMinus}${line.spread}`),
  },
  published: {
    head: `x published\n${publishedRecordsPerSecond}`,
    align: 'right',
    cell: (line, ink) => (line.timesPublished === null ? ink.none : times(line.timesPublished)),
  },
  measured: {
    head: 'x measured\nbaseline',
    align: 'right',
    cell: (line, ink) => (line.timesMeasured === null ? ink.none : times(line.timesMeasured)),
  },
  p50: { head: 'p50 ms', align: 'right', cell: msSpread('p50') },
  p99: { head: 'p99 ms', align: 'right', cell: msSpread('p99') },
  atRate: {
    head: 'at rate/s',
    align: 'right',
    cell: (line, ink) => (line.latency ? rate(line.latency.rate) : ink.none),
  },
  durability: { head: 'durability', align: 'left', cell: (line) => line.durability },
  audit: {
    head: 'audit',
    align: 'left',
    cell: (line, ink) => (line.audit === '' ? ink.none : ink.paint(line.audit === 'clean' ? 'green' : 'red', line.audit)),
  },
  verdict: { head: 'verdict', align: 'left', cell: (line, ink) => ink.paint(verdictColour[line.verdict], line.verdict) },
  bound: { head: 'bound', align: 'left', cell: (line, ink) => line.bound || ink.none },
} as const satisfies Record<string, Column>

const verdictColour: Readonly<Record<Line['verdict'], Colour>> = {
  ok: 'green',
  baseline: 'dim',
  overloaded: 'yellow',
  'generator-bound': 'yellow',
  interrupted: 'yellow',
  'threshold-failed': 'red',
  unsound: 'red',
  failed: 'red',
}

/**
 * The table, and under it who won, what needs saying about single runs, and where the result file is. Fits the width by
 * steps: shorter heads, no column for a store that is everyone's (the caption names it), then latencies without their spread.
 */
export function renderTable(document: Result, options: TableOptions): string {
  const result = { ...document, runs: together(document.runs) }
  const ink = options.tty ? terminal : ascii
  const width = options.columns ?? 120
  const runs = result.runs.map(runLine)
  const baseline = baselineLine(result)
  const all = baseline ? [baseline, ...runs] : runs

  const attempts = layouts(all)
  let drawn = ''
  for (const shown of attempts) {
    drawn = draw(shown, baseline, runs, ink)
    if (widest(drawn) <= width) break
  }
  const wrapped = notes(result, options, ink).flatMap((note) =>
    wrap(note.text, width).map((text) => (note.colour ? ink.paint(note.colour, text) : text)),
  )
  return `${[ink.paint('dim', caption(result)), '', drawn, '', ...wrapped].join('\n')}\n`
}

/** Sets of columns to try, widest first. */
function layouts(lines: readonly Line[]): readonly (readonly Column[])[] {
  const { target, store, rate: perSecond, published, measured, p50, p99, atRate, durability, audit, verdict, bound } = columns
  const narrow = {
    published: { ...published, head: `x publ.\n${publishedRecordsPerSecond}` },
    measured: { ...measured, head: 'x base\nmeas.' },
    p50: { ...p50, cell: ms((latency) => latency.p50) },
    p99: { ...p99, cell: ms((latency) => latency.p99) },
    atRate: { ...atRate, head: 'at\nrate/s' },
    verdict: {
      ...verdict,
      cell: (line: Line, ink: Ink) =>
        line.verdict
          .split('-')
          .map((part, i, parts) => ink.paint(verdictColour[line.verdict], i < parts.length - 1 ? `${part}-` : part))
          .join('\n'),
    },
  }
  const places = new Set(lines.map((line) => line.store)).size > 1 ? [store] : []
  const short = [perSecond, narrow.published, narrow.measured]
  return [
    [target, store, perSecond, published, measured, p50, p99, atRate, durability, audit, verdict, bound],
    [target, store, ...short, p50, p99, narrow.atRate, durability, audit, verdict, bound],
    [target, ...places, ...short, p50, p99, narrow.atRate, durability, audit, narrow.verdict, bound],
    [target, ...places, ...short, narrow.p50, narrow.p99, narrow.atRate, durability, audit, narrow.verdict, bound],
  ]
}

function draw(shown: readonly Column[], baseline: Line | undefined, runs: readonly Line[], ink: Ink): string {
  const cells = (line: Line) => shown.map((column) => column.cell(line, ink))
  const none = {
    top: '',
    'top-mid': '',
    'top-left': '',
    'top-right': '',
    bottom: '',
    'bottom-mid': '',
    'bottom-left': '',
    'bottom-right': '',
    left: '',
    'left-mid': '',
    mid: '',
    'mid-mid': '',
    right: '',
    'right-mid': '',
    middle: '  ',
  }
  const table = new Table({
    head: shown.map((column) => ink.paint('bold', column.head)),
    colAligns: shown.map((column) => column.align),
    chars: none,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  })
  for (const line of baseline ? [baseline, ...runs] : runs) table.push(cells(line))
  const lines = table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
  const rule = ink.paint('dim', ink.rule.repeat(widest(lines.join('\n'))))
  const heads = Math.max(...shown.map((column) => column.head.split('\n').length))
  const first = baseline ? Math.max(...cells(baseline).map((cell) => cell.split('\n').length)) : 0
  return [
    ...lines.slice(0, heads),
    rule,
    ...lines.slice(heads, heads + first),
    ...(baseline ? [rule] : []),
    ...lines.slice(heads + first),
  ].join('\n')
}

function runLine(run: Run): Line {
  const { throughput } = run
  const measured = throughput.recordsPerSecond > 0
  return {
    target: run.target,
    store: run.store,
    recordsPerSecond: measured ? throughput.recordsPerSecond : null,
    spread: spread(throughput.recordsPerSecond, throughput.interval),
    timesPublished: measured && run.image !== 'replies' ? throughput.timesPublished : null,
    timesMeasured: measured ? throughput.timesMeasured : null,
    latency: run.latency,
    durability: run.durability,
    audit: auditCell([run.audit, run.latencyLeg?.audit ?? null]),
    verdict: run.verdict,
    bound: measured ? (run.bound?.by ?? '') : '',
  }
}

function baselineLine({ baseline, runs }: Result): Line | undefined {
  if (baseline.measured === null) return undefined
  return {
    target: 'row-at-a-time',
    store: baseline.store ?? runs[0]?.store ?? '',
    recordsPerSecond: baseline.measured,
    spread: spread(baseline.measured, baseline.interval),
    timesPublished: baseline.measured / baseline.published,
    timesMeasured: 1,
    latency: baseline.latency ?? null,
    durability: baseline.durability ?? runs[0]?.durability ?? '',
    audit: auditCell([baseline.audit ?? null]),
    verdict: 'baseline',
    bound: '',
  }
}

/** A line for each kind of damage in any audit; 'clean' when the first was made and nothing was found; else ''. */
function auditCell(audits: readonly (Audit | null)[]): string {
  const sums = new Map<string, number>()
  for (const { kind, count: found } of audits.flatMap((audit) => (audit ? auditFindings(audit) : []))) {
    sums.set(kind, (sums.get(kind) ?? 0) + found)
  }
  const damage = [...sums].map(([kind, found]) => `${count(found)} ${kind}`).join('\n')
  return damage || (audits[0] ? 'clean' : '')
}

function caption({ runs, machine }: Result): string {
  const facts: string[] = []
  const first = runs[0]
  if (first) {
    facts.push(first.scenario, `${count(first.records)} records`)
    const stores = [...new Set(runs.map((run) => [run.store, run.storeFacts?.version].filter(Boolean).join(' ')))]
    facts.push(stores.join(', '))
  }
  facts.push(`${coresOf(machine)}, ${machine.cpuModel}`)
  return redact(facts.join('; '))
}

/** '2 cores', '16 cores limited to 0.5'. */
function coresOf({ cores, cpuLimit }: Result['machine']): string {
  return `${cores} cores${cpuLimit === undefined ? '' : ` limited to ${+cpuLimit.toFixed(2)}`}`
}

interface Note {
  readonly text: string
  readonly colour?: Colour
}

function notes(result: Result, { file }: TableOptions, ink: Ink): readonly Note[] {
  const { runs, baseline, machine } = result
  const ranking = result.ranking ?? rank(runs)
  const said: Note[] = [{ text: ranking.sentence, colour: 'bold' }]
  const stores = [...new Set(runs.map(({ store }) => store))]
  const nameOf = ({ target, store }: Pick<Run, 'target' | 'store'>) => (stores.length > 1 ? `${target} on ${store}` : target)
  if (stores.length > 1) {
    for (const store of stores) {
      const here = runs.filter((run) => run.store === store)
      if (here.length > 1) said.push({ text: `On ${store} alone: ${rank(here).sentence}` })
    }
  }
  for (const run of runs) {
    const trouble = troubleOf(run)
    if (trouble !== undefined) said.push({ text: `${nameOf(run)}: ${redact(trouble)}`, colour: verdictColour[run.verdict] })
    for (const finding of run.findings?.slice(0, 3) ?? []) {
      const seen = [finding.expected && `expected ${finding.expected}`, finding.found && `found ${finding.found}`]
        .filter(Boolean)
        .join(', ')
      said.push({
        text: `  ${finding.kind}: record ${finding.position} of source ${finding.source}${seen && `: ${oneLine(redact(seen))}`}`,
        colour: 'red',
      })
    }
    const fates = fatesOf(run)
    if (fates) said.push({ text: `${nameOf(run)}: ${fates}` })
    for (const text of [boundOf(run), settlingOf(run), dropsOf(run), skewOf(run), k6Of(run), ...besideOf(run)])
      if (text) said.push({ text: `${nameOf(run)}: ${text}` })
  }
  for (const { target, store, reason } of ranking.unranked) {
    const run = runs.find((candidate) => candidate.target === target && candidate.store === store)
    if (!run || troubleOf(run) === undefined) said.push({ text: `${nameOf({ target, store })} was not ranked: ${redact(reason)}` })
  }
  if (baseline.measured !== null) {
    const around = spread(baseline.measured, baseline.interval)
    said.push({
      text: `Measured baseline: row-at-a-time, one thread, ${rate(baseline.measured)}${around && ` ${ink.plusMinus}${around}`} records/s on ${count(baseline.sample)} records of the same stream; published: ${count(baseline.published)} records/s.`,
    })
  }
  const share = runs.find((run) => run.latencyLeg && run.latencyLeg.share !== null)?.latencyLeg?.share
  if (runs.some((run) => run.latency)) {
    const atRate = typeof share === 'number' ? `${Math.round(share * 100)}% of its full speed` : 'the rate given'
    const end = runs.every(({ image }) => image === 'replies') ? 'answered' : 'stored'
    said.push({
      text: `Latency runs from due to ${end}, each target at ${atRate} (at rate/s).${runs.some((run) => run.throughput.interval) ? ` ${ink.plusMinus} is the 95% interval${runs.some(lacksTail) ? `; a p99 has one from ${batchesNeeded(0.99)} batches on` : ''}.` : ''}`,
    })
  }
  if (runs.some((run) => typeof run.cpu?.store === 'number')) {
    said.push({
      text: `Generator, targets and store shared this machine's ${coresOf(machine)}: the figures are efficiency, not scale-out.`,
    })
  }
  const times = Math.max(0, ...(result.together ?? []).map(({ runs: repeated }) => repeated))
  if (times > 1) {
    said.push({
      text: `Means of ${times} runs each, interleaved in an order that chance decided, every one on tables of its own; intervals are over runs.`,
    })
  }
  if (file !== undefined) said.push({ text: `Result: ${file}` })
  return said
}

/** Measured, but too few batches for its p99 to have an interval. */
function lacksTail({ latency }: Run): boolean {
  return latency?.intervals?.p50 != null && latency.intervals.p99 === null
}

/** A leg whose latency was still changing in its second half says little about the next minute. */
function settlingOf({ latency }: Run): string | undefined {
  return latency?.settledAfterMs === null ? 'its latency had not become level when the leg ended: measure longer' : undefined
}

/** What kept a run from being ranked, in words; undefined when its verdict says it all. */
function troubleOf(run: Run): string | undefined {
  if (run.verdict === 'ok') return undefined
  const words = run.error && run.verdict === 'failed' ? [run.error.message, run.error.remedy] : (run.reasons ?? [])
  const why = words.filter((word) => word !== undefined && word !== '').join('; ')
  return why ? `${run.verdict}: ${oneLine(why)}` : run.verdict
}

/** What the analytics side and the ingestion cost each other, a sentence for each arrangement. */
function besideOf({ analytics }: Run): readonly string[] {
  if (analytics === undefined) return []
  const latency = (figures: AnalyticsFigures) =>
    figures.latency === null ? 'unanswered' : `p50 ${milliseconds(figures.latency.p50)}, p99 ${milliseconds(figures.latency.p99)} ms`
  return (['combined', 'separated'] as const).map((arrangement) => {
    const { questions, ingestionTimes } = analytics[arrangement]
    const interval = ingestionTimes?.interval
    const spread = interval ? ` [${times(interval.low)}, ${times(interval.high)}]` : ''
    const share = ingestionTimes === null ? 'no throughput' : `${times(ingestionTimes.ratio)}${spread} times its throughput alone`
    return `with ${count(analytics.rate)} queries/s beside it, ${arrangement}: ${share}; queries ${latency(questions)}, alone ${latency(analytics.alone)}`
  })
}

/** What k6 saw of its own requests, each number by what it runs from and to. */
function k6Of({ k6, latency }: Run): string {
  if (k6 === undefined) return ''
  const told = (what: string, quantiles: Quantiles | null | undefined) =>
    quantiles && `${what} p50 ${milliseconds(quantiles.p50)}, p99 ${milliseconds(quantiles.p99)} ms`
  const { requests, questions } = k6
  return [
    requests && `k6 ${k6.version}: ${count(requests.accepted)} of ${count(requests.planned)} requests accepted`,
    told('due to accepted', latency?.accepted),
    told('sent to accepted (service time)', k6.service),
    questions && `${count(questions.answered)} of ${count(questions.asked)} questions answered`,
    told('due to answered', questions?.latency),
    told('sent to answered (service time)', questions?.service),
  ]
    .filter(Boolean)
    .join('; ')
}

/** Why the column says what it says, and what a record cost. */
function boundOf({ bound, verdict, throughput, cpu, disk }: Run): string {
  if (bound === undefined || !(throughput.recordsPerSecond > 0)) return ''
  const perCore = cpu?.recordsPerSecondPerCore
  const perRecord = disk?.storeBytesPerRecord
  const by = bound.by === 'unknown' ? 'bound unknown' : `bound by the ${bound.by}`
  return [
    // Of a verdict that says the same, the reasons are there already.
    verdict !== 'generator-bound' && [by, bound.evidence[0] && `(${bound.evidence[0]})`].filter(Boolean).join(' '),
    typeof perCore === 'number' && `${rate(perCore)} records/s per core used`,
    typeof perRecord === 'number' && `${count(perRecord)} bytes to disk for each`,
  ]
    .filter((words) => words !== false)
    .join('; ')
}

/** Records that were not stored and are accounted for. */
function fatesOf(run: Run): string {
  const audit = run.audit
  if (!audit) return ''
  const fates = [
    audit.rejected > 0 && `${count(audit.rejected)} ${audit.rejected === 1 ? 'line' : 'lines'} did not parse, kept with the reason`,
    audit.excluded > 0 && `${count(audit.excluded)} left out by design`,
    audit.refused > 0 && `${count(audit.refused)} refused`,
    audit.failed > 0 && `${count(audit.failed)} in doubt`,
  ].filter((fate) => fate !== false)
  return fates.length > 0 ? `${fates.join(', ')} (of ${count(audit.offered)} offered)` : ''
}

/** What the months that were dropped did to the flow, each leg for itself. */
function dropsOf({ events = [], disturbance }: Run): string {
  const legs = (['throughput', 'latency'] as const).flatMap((leg) => {
    const drops = events.filter((event) => event.leg === leg)
    const [first] = drops
    if (first === undefined) return []
    const slowest = Math.max(...drops.map(({ tookMs }) => tookMs))
    const rows = drops.reduce((sum, event) => sum + event.rows, 0)
    const took = drops.length === 1 ? `in ${milliseconds(slowest)} ms` : `in at most ${milliseconds(slowest)} ms each`
    const what = `${leg} leg: ${drops.map(({ month }) => month).join(', ')} dropped (${count(rows)} rows) ${took}`
    return [`${what}${meanwhileOf(disturbance?.[leg])}`]
  })
  return legs.join('; ')
}

function meanwhileOf(disturbance: Disturbance | undefined): string {
  if (!disturbance) return ''
  const { meanwhile, otherwise, latency } = disturbance
  if (latency) {
    const { meanwhile: beside, otherwise: usual } = latency
    return beside && usual ? `, p99 meanwhile ${milliseconds(beside.p99)} ms, otherwise ${milliseconds(usual.p99)} ms` : ''
  }
  if (!meanwhile) return ', when nothing was written any more'
  if (!otherwise) return ', with too little stored otherwise to say what that cost'
  const gaps = `longest pause ${milliseconds(meanwhile.longestGapMs)} ms, otherwise ${milliseconds(otherwise.longestGapMs)} ms`
  return `, ${rate(meanwhile.recordsPerSecond)} records/s meanwhile, otherwise ${rate(otherwise.recordsPerSecond)}; ${gaps}`
}

/** From this on the fullest partition is worth a line. */
const noteworthySkew = 1.5

function skewOf({ hashShares, partitionSkew, partitions = [] }: Run): string {
  const percent = (share: number) => `${(share * 100).toFixed(1)}%`
  const fullest = [...partitions].sort((a, b) => b.rows - a.rows)[0]
  const skewed = typeof partitionSkew === 'number' && partitionSkew >= noteworthySkew && fullest !== undefined
  return [
    hashShares &&
      `one of ${hashShares.shares.length} hash partitions takes ${percent(Math.max(...hashShares.shares))} of the records, by ${hashShares.key}`,
    skewed &&
      `the fullest of ${partitions.length} partitions, ${fullest.name}, has ${count(fullest.rows)} rows, ${times(partitionSkew)} times the mean`,
  ]
    .filter(Boolean)
    .join('; ')
}

function oneLine(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim()
  return line.length > 300 ? `${line.slice(0, 297)}...` : line
}

/** Lines no wider than that, broken between words, the later ones indented; a word longer than a line stays whole: it may be a path. */
function wrap(text: string, width: number): readonly string[] {
  const indent = /^ */.exec(text)?.[0] ?? ''
  const lines: string[] = []
  let line = ''
  for (const word of text.trim().split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = ''
    }
    line = line === '' ? `${indent}${lines.length > 0 ? '  ' : ''}${word}` : `${line} ${word}`
  }
  return [...lines, line]
}

/** Columns that the widest line takes on a terminal. */
function widest(text: string): number {
  return Math.max(0, ...text.split('\n').map((line) => visible(line).length))
}

function visible(line: string): string {
  return line.replaceAll(new RegExp(`${String.fromCharCode(27)}\\[\\d+m`, 'g'), '')
}
