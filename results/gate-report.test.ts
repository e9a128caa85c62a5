/** What a gate prints: the table, Markdown and JUnit, with the signs that could break them. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { escapeXml, type GateReport, type GateRow, gateJunit, gateMarkdown, renderGate, sentence } from './gate-report.js'

const row: GateRow = {
  subject: 'worker-pool on postgres',
  metric: 'throughput',
  base: 312_345,
  candidate: 281_000,
  unit: 'records/s',
  word: 'slower',
  ratio: 0.9,
  interval: { low: 0.872, high: 0.928, confidence: 0.99 },
  timesPairs: 1,
}
const report: GateReport = {
  schema: 1,
  mode: 'side by side',
  advice: null,
  status: 3,
  summary: sentence(row, 0.05, null),
  minEffect: 0.05,
  rows: [row],
  findings: [],
  notes: ['a note'],
  seconds: 58.2,
}
const nasty = 'a <b> & "c" \'d\' ]]> | `e`\u0000\ud800\nnext'

test('each word has its sentence', () => {
  assert.is(sentence(row, 0.05, null), 'worker-pool on postgres: throughput is slower by 10.0% [-12.8%, -7.2%], more than 5%')
  assert.match(sentence({ ...row, word: 'faster', ratio: 1.08 }, 0.05, null), 'faster by 8.0%')
  assert.match(sentence({ ...row, word: 'no regression shown', ratio: 0.99 }, 0.05, null), 'a slowdown beyond 12.8% is ruled out')
  assert.match(
    sentence({ ...row, word: 'cannot tell', timesPairs: 3.24 }, 0.05, { fixedSeconds: 20, pairsSeconds: 40 }),
    'it needs 3.2 times as many pairs, --budget 3m',
  )
})

test('the table names figures, change and word', () => {
  const text = renderGate(report, { tty: false, columns: 120 })
  for (const part of ['312,300/s', '281,000/s', '-10.0%', '[-12.8%, -7.2%]', 'slower', 'REGRESSION', 'a note'])
    assert.ok(text.includes(part), part)
})

test('a passed gate that cannot tell does not say passed', () => {
  const text = renderGate({ ...report, status: 0, rows: [{ ...row, word: 'cannot tell' }] }, { tty: false, columns: 120 })
  assert.match(text, 'cannot tell:')
  assert.not.match(text, 'passed')
})

test('what makes the word advice stands in the heading', () => {
  assert.match(
    renderGate({ ...report, advice: 'against a stored baseline, by ratio' }, { tty: false, columns: 120 }),
    'advice: against a stored baseline, by ratio',
  )
})

test('Markdown keeps to its cells', () => {
  const text = gateMarkdown({ ...report, rows: [{ ...row, subject: nasty }], findings: [nasty] })
  const line = text.split('\n').find((one) => one.includes('312,300')) ?? ''
  assert.is(line.replaceAll('\\|', '').split('|').length, 9)
  assert.not.match(text, '<b>')
})

test('JUnit escapes what XML cannot hold', () => {
  assert.is(escapeXml('<&>"\'\n\u0000\ud800x\u{1f600}'), '&lt;&amp;&gt;&quot;&apos;&#10;\ufffd\ufffdx\u{1f600}')
  const text = gateJunit({ ...report, rows: [{ ...row, subject: nasty }], findings: [nasty] })
  assert.not.match(text, '<b>')
  assert.not.match(text, ']]>')
  wellFormed(text)
})

test('JUnit: a regression is a failure, a finding an error, what cannot be told is skipped', () => {
  const slower = gateJunit(report)
  assert.match(slower, 'tests="2" failures="1" errors="0" skipped="0"')
  assert.match(slower, /<failure message="[^"]*slower by 10.0%/)
  const other = gateJunit({ ...report, rows: [{ ...row, word: 'cannot tell' }], findings: ['3 lost'] })
  assert.match(other, 'failures="0" errors="1" skipped="1"')
  wellFormed(other)
})

/** Every tag is closed in its order, and nothing else looks like a tag: enough of XML for what is written here. */
function wellFormed(text: string): void {
  const open: string[] = []
  const body = text.replace(/^<\?xml [^?]*\?>\n/, '')
  const rest = body.replaceAll(
    /<(\/?)([\w-]+)((?: [\w-]+="[^"<]*")*)(\/?)>/g,
    (_, closing: string, name: string, _attributes: string, empty: string) => {
      if (closing) assert.is(open.pop(), name)
      else if (!empty) open.push(name)
      return ''
    },
  )
  assert.equal(open, [])
  assert.not.match(rest, /[<>]/)
  assert.not.match(rest, /&(?!(?:amp|lt|gt|quot|apos|#10);)/)
}

test.run()
