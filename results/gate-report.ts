/** A gate's report for people and machines: the terminal, a Markdown summary, JUnit's XML. Pure functions of the report. */
import { rate } from './format.js'
import type { GateMetric, GatePair, GateReport } from './gate.js'
import type { Audit } from './result.js'
import { median } from './statistics.js'
import { auditFindings } from './verdict.js'

const units: Readonly<Record<GateMetric, string>> = { throughput: 'records/s', p99: 'p99 ms', cpu: 'CPU s per million records' }

interface Line {
  readonly name: string
  readonly value: string
}

/** What is said of a gate, a line each. */
function lines(report: GateReport): readonly Line[] {
  const { metric, pairs, ratio, noise, base, candidate } = report
  const interval = ratio?.interval
  return [
    { name: 'what', value: `${report.target} on ${report.store} (${report.storeVersion}), durability ${report.durability}` },
    {
      name: 'how',
      value: `${report.mode}${pairs.length > 0 ? `, ${pairs.length} interleaved pairs of blocks` : ''}, ${report.elapsedSeconds.toFixed(0)} s`,
    },
    ...sideLine('base', base.origin, middle(metric, pairs, 0)),
    ...sideLine('candidate', candidate.origin, middle(metric, pairs, 1)),
    ...(ratio === null
      ? []
      : [
          {
            name: 'candidate / base',
            value: `${ratio.ratio.toFixed(3)}${interval ? ` [${interval.low.toFixed(3)}, ${interval.high.toFixed(3)}] at ${Math.round(interval.confidence * 100)}%` : ''}`,
          },
        ]),
    ...(noise === null ? [] : [{ name: 'noise of a pair', value: `${(noise * 100).toFixed(1)}%` }]),
    { name: 'audit', value: `base ${auditWord(base.audit)}, candidate ${auditWord(candidate.audit)}` },
  ]
}

function sideLine(name: string, origin: string, value: string): readonly Line[] {
  return [{ name, value: value === '' ? origin : `${value}, ${origin}` }]
}

function middle(metric: GateMetric, pairs: readonly GatePair[], side: 0 | 1): string {
  if (pairs.length === 0) return ''
  const value = median(pairs.map((pair) => pair[side]))
  const shown = metric === 'throughput' ? rate(value) : metric === 'p99' ? value.toFixed(1) : (value * 1e6).toFixed(2)
  return `${shown} ${units[metric]} (median of blocks)`
}

/** 'clean', what was found, or that there was nothing to audit. */
export function auditWord(audit: Audit | null): string {
  if (audit === null) return 'none'
  const found = auditFindings(audit).map(({ kind, count }) => `${count} ${kind}`)
  if (audit.failed > 0) found.push(`${audit.failed} failed`)
  return found.length === 0 ? 'clean' : found.join(', ')
}

/** For the terminal. */
export function gateText(report: GateReport): string {
  const shown = lines(report)
  const width = Math.max(...shown.map(({ name }) => name.length))
  const findings = [
    ...report.base.findings.map((text) => `base: ${text}`),
    ...report.candidate.findings.map((text) => `candidate: ${text}`),
  ]
  return [
    report.sentence,
    '',
    ...shown.map(({ name, value }) => `  ${name.padEnd(width)}  ${value}`),
    ...findings.map((text) => `  ${text}`),
    ...(report.remarks.length > 0 ? ['', ...report.remarks] : []),
    '',
  ].join('\n')
}

const signs: Readonly<Record<GateReport['decision'], string>> = {
  pass: '✅',
  improvement: '✅',
  unclear: '⚠️',
  regression: '❌',
  unsound: '❌',
}

/** A section of Markdown, as a summary of a CI job shows it. */
export function gateMarkdown(report: GateReport): string {
  const cell = (text: string) => text.replace(/[\\|<>`*_[\]]/g, (character) => `\\${character}`).replace(/\s+/g, ' ')
  return [
    `### ${signs[report.decision]} Weir gate: ${cell(report.sentence)}`,
    '',
    '| | |',
    '|---|---|',
    ...lines(report).map(({ name, value }) => `| ${cell(name)} | ${cell(value)} |`),
    '',
    ...report.remarks.map((remark) => `${cell(remark)}\n`),
    '',
  ].join('\n')
}

/** A test suite of one or two cases: the gate itself, and the audit of what it wrote. */
export function gateJunit(report: GateReport): string {
  const seconds = report.elapsedSeconds.toFixed(3)
  const unsound = report.decision === 'unsound'
  const failed = report.decision === 'regression'
  const skipped = report.decision === 'unclear'
  const details = gateText(report)
  const named = `${report.target} on ${report.store}: ${report.metric}`
  const gate = failed
    ? `<failure type="regression" message="${xml(report.sentence)}">${xml(details)}</failure>`
    : skipped
      ? `<skipped message="${xml(report.sentence)}"/>`
      : ''
  const audit = unsound ? `<failure type="audit" message="${xml(report.sentence)}">${xml(details)}</failure>` : ''
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites><testsuite name="weir gate" tests="2" failures="${Number(failed) + Number(unsound)}" errors="0" skipped="${Number(skipped)}" time="${seconds}" timestamp="${xml(report.createdAt)}">`,
    `<testcase classname="weir.gate" name="${xml(named)}" time="${seconds}">${gate}<system-out>${xml(details)}</system-out></testcase>`,
    `<testcase classname="weir.audit" name="${xml(`${report.target} on ${report.store}: every record accounted for`)}" time="0">${audit}</testcase>`,
    '</testsuite></testsuites>',
    '',
  ].join('\n')
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;' }

/** Text for XML: what has a meaning there is escaped, and what XML 1.0 cannot hold at all is left out. */
function xml(text: string): string {
  return [...text]
    .filter((character) => {
      const code = character.codePointAt(0) ?? 0
      return code === 9 || code === 10 || code === 13 || (code >= 32 && code < 0xd800) || (code >= 0xe000 && code < 0xfffe) || code > 0xffff
    })
    .map((character) => entities[character] ?? character)
    .join('')
}

/** 3 for a regression, 1 for a finding or, when asked to be strict, for what could not be told; else 0. */
export function gateStatus({ decision }: Pick<GateReport, 'decision'>, strict: boolean): number {
  if (decision === 'unsound') return 1
  if (decision === 'regression') return 3
  return decision === 'unclear' && strict ? 1 : 0
}
