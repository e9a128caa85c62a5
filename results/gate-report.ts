/** A gate's outcome as people and machines read it: text, Markdown, JUnit. */
import { type Display, drawTable, paint } from './draw.js'
import { rate, significant } from './format.js'
import type { GateDecision, GateWord } from './gate.js'
import type { Interval } from './result.js'

/** A row of the outcome. */
export interface GateRow extends Pick<GateDecision, 'word' | 'interval' | 'timesPairs'> {
  /** Candidate over base: below 1 is slower. Null where the two may not be put into one figure. */
  readonly ratio: number | null
  /** 'worker-pool on postgres' */
  readonly subject: string
  /** 'throughput' */
  readonly metric: string
  /** Records per second, typical of a side; ratios to the machine's yardsticks against a stored baseline. */
  readonly base: number
  readonly candidate: number
  readonly unit: 'records/s' | 'ms' | 'ns/record' | 'records/s per core' | 'of the yardsticks'
  /** What would let it tell, where that is not more pairs of blocks. */
  readonly need?: string
  /** What shows that it is slower, where no ratio does. */
  readonly shownBy?: string
}

export interface GateReport {
  readonly schema: 1
  /**
   * 'side by side' is a measurement of both; 'stored baseline' measures one and compares ratios; 'stored results' measures
   * nothing and compares runs.
   */
  readonly mode: 'side by side' | 'stored baseline' | 'stored results'
  /** Why the word is advice only; null when it is more. */
  readonly advice: string | null
  readonly status: 0 | 1 | 3 | 130
  /** In one sentence. */
  readonly summary: string
  readonly minEffect: number
  readonly rows: readonly GateRow[]
  /** What audits found, or what broke the gate off, a sentence each; any makes the status 1. */
  readonly findings: readonly string[]
  /** What a reader has to know beside the figures, a sentence each. */
  readonly notes: readonly string[]
  readonly seconds: number
}

const colours: Readonly<Record<GateWord, 'green' | 'red' | 'yellow' | undefined>> = {
  slower: 'red',
  faster: 'green',
  'no regression shown': undefined,
  'cannot tell': 'yellow',
}

/** A ratio as a change: 0.9 is '-10.0%'; '-' where there is none; beyond a factor of ten nobody needs figures. */
export function change(ratio: number | null): string {
  if (ratio === null) return '-'
  const percent = 100 * (ratio - 1)
  if (percent > 999) return '>+999%'
  return `${percent >= 0 ? '+' : '-'}${Math.abs(percent).toFixed(1)}%`
}

/** '[-12.1%, -7.8%]'; '-' where there is none. */
export function changes(interval: Interval | null): string {
  return interval === null ? '-' : `[${change(interval.low)}, ${change(interval.high)}]`
}

/** What the time of a gate's round went into: what any round needs, and the pairs. */
export interface GateTime {
  readonly fixedSeconds: number
  readonly pairsSeconds: number
}

/** The sentence for a row: the word, the figures, and what follows. `time` turns pairs into a budget. */
export function sentence(row: GateRow, minEffect: number, time: GateTime | null): string {
  const { word, interval, timesPairs, subject, metric } = row
  const ratio = row.ratio ?? 1
  const figures = row.ratio === null ? '' : ` ${change(ratio)}${interval === null ? '' : ` ${changes(interval)}`}`
  const least = `${+(100 * minEffect).toFixed(2)}%`
  switch (word) {
    case 'slower':
      if (row.shownBy !== undefined) return `${subject}: ${metric} is slower: ${row.shownBy}`
      return `${subject}: ${metric} is slower by ${(100 * (1 - ratio)).toFixed(1)}% ${changes(interval)}, more than ${least}`
    case 'faster':
      return `${subject}: ${metric} is faster by ${(100 * (ratio - 1)).toFixed(1)}% ${changes(interval)}`
    case 'no regression shown': {
      const ruledOut = 100 * (1 - (interval?.low ?? 1))
      return `${subject}: no regression shown, ${metric}${figures}${ruledOut > 0 ? `: a slowdown beyond ${ruledOut.toFixed(1)}% is ruled out` : ''}`
    }
    case 'cannot tell': {
      const need =
        row.need ?? (timesPairs === null ? 'it needs more pairs of blocks' : `it needs ${significant(timesPairs, 2)} times as many pairs`)
      const budget = timesPairs === null || time === null ? '' : `, --budget ${budgetOf(time, timesPairs)}`
      return `${subject}: cannot tell, ${metric}${figures}: ${need}${budget}`
    }
  }
}

/** As --budget takes it, in whole minutes. */
function budgetOf({ fixedSeconds, pairsSeconds }: GateTime, times: number): string {
  return `${Math.ceil((fixedSeconds + pairsSeconds * times) / 60)}m`
}

/** For the terminal. */
export function renderGate(report: GateReport, display: Display): string {
  const columns = [
    { head: 'target', align: 'left' },
    { head: 'metric', align: 'left' },
    { head: 'base', align: 'right' },
    { head: 'candidate', align: 'right' },
    { head: 'change', align: 'right' },
    { head: 'interval', align: 'left' },
    { head: 'word', align: 'left' },
  ] as const
  const cells = report.rows.map((row) => cellsOf(row).map((cell, i) => (i === 6 ? painted(row.word, display) : cell)))
  const { status, summary, findings, notes } = report
  return `${[
    ...(cells.length > 0 ? [drawTable(columns, cells, display), ''] : []),
    paint(display, status === 0 ? 'green' : 'red', `${heading(report)}: ${summary}`),
    ...findings.map((finding) => `  found: ${finding}`),
    ...notes.map((note) => `  ${note}`),
  ].join('\n')}\n`
}

/** For a job's summary: GitHub's flavour of Markdown. */
export function gateMarkdown(report: GateReport): string {
  const head = ['target', 'metric', 'base', 'candidate', 'change', 'interval', 'word']
  const line = (cells: readonly string[]) => `| ${cells.map(inCell).join(' | ')} |`
  const { rows, findings, notes, summary } = report
  return `${[
    `### weir gate: ${heading(report)}`,
    '',
    inCell(summary),
    ...(rows.length > 0 ? ['', line(head), `|${head.map(() => ' --- |').join('')}`, ...rows.map((row) => line(cellsOf(row)))] : []),
    ...(findings.length > 0 ? ['', '**Found**', '', ...findings.map((finding) => `- ${inCell(finding)}`)] : []),
    '',
    ...notes.map((note) => `- ${inCell(note)}`),
  ].join('\n')}\n\n`
}

/**
 * JUnit XML, as GitHub's and GitLab's readers take it: a case for each row and one for the audit; a regression is a
 * failure, a finding an error, and what cannot be told is skipped, with the reason.
 */
export function gateJunit(report: GateReport): string {
  const { rows, findings, notes, seconds, minEffect } = report
  const cases = [
    ...rows.map((row) => testCase(`${row.subject}: ${row.metric}`, seconds / Math.max(1, rows.length), rowOutcome(row, minEffect))),
    testCase('audit', 0, findings.length === 0 ? '' : element('error', findings[0] ?? '', findings.join('\n'))),
  ]
  const failures = rows.filter(({ word }) => word === 'slower').length
  const skipped = rows.filter(({ word }) => word === 'cannot tell').length
  const counts = `tests="${cases.length}" failures="${failures}" errors="${findings.length === 0 ? 0 : 1}" skipped="${skipped}" time="${seconds.toFixed(3)}"`
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="weir gate" ${counts}>`,
    `  <testsuite name="${escapeXml(`weir gate, ${report.mode}`)}" ${counts}>`,
    ...cases,
    `    <system-out>${escapeXml([report.summary, ...notes].join('\n'))}</system-out>`,
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n')
}

function heading({ status, rows, advice }: GateReport): string {
  const words: Readonly<Record<number, string>> = { 1: 'FAILED', 3: 'REGRESSION', 130: 'interrupted' }
  const word = words[status] ?? (rows.some(({ word }) => word === 'cannot tell') ? 'cannot tell' : 'passed')
  return advice === null ? word : `${word} (advice: ${advice})`
}

function cellsOf({ subject, metric, base, candidate, unit, ratio, interval, word }: GateRow): readonly string[] {
  const figure = (value: number) =>
    unit.startsWith('records/s') ? `${rate(value)}/s` : `${significant(value, 3)}${unit === 'of the yardsticks' ? '' : ` ${unit}`}`
  return [subject, metric, figure(base), figure(candidate), change(ratio), changes(interval), word]
}

function painted(word: GateWord, display: Display): string {
  const colour = colours[word]
  return colour === undefined ? word : paint(display, colour, word)
}

function rowOutcome(row: GateRow, minEffect: number): string {
  const text = sentence(row, minEffect, null)
  if (row.word === 'slower') return element('failure', text, text)
  return row.word === 'cannot tell' ? `      <skipped message="${escapeXml(text)}"/>` : ''
}

function testCase(name: string, seconds: number, inner: string): string {
  const open = `    <testcase classname="weir.gate" name="${escapeXml(name)}" time="${seconds.toFixed(3)}"`
  return inner === '' ? `${open}/>` : `${open}>\n${inner}\n    </testcase>`
}

function element(name: 'error' | 'failure', message: string, text: string): string {
  return `      <${name} message="${escapeXml(message)}" type="${name === 'error' ? 'finding' : 'regression'}">${escapeXml(text)}</${name}>`
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;', '\n': '&#10;' }

/** Text for an attribute or an element; characters that XML 1.0 cannot hold become U+FFFD. */
export function escapeXml(text: string): string {
  return text
    .replaceAll(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '\ufffd')
    .replaceAll(/[&<>"'\n]/g, (sign) => entities[sign] ?? sign)
}

/** No sign of a message may end a cell, begin a tag or a link. */
function inCell(text: string): string {
  return text
    .replaceAll(/\s*\n\s*/g, ' ')
    .replaceAll(/[\\|<>*_`[\]]/g, (sign) => (sign === '<' ? '&lt;' : sign === '>' ? '&gt;' : `\\${sign}`))
}
