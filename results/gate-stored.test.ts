/** Gates on results of both sides: the word follows the runs, a latency is turned, damage is a finding and no figure. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { compare, type Side } from './compare.js'
import { defaultRule, type GateMetric } from './gate.js'
import { gateJunit, renderGate } from './gate-report.js'
import { findingsIn, findingsOf, gateOnResults } from './gate-stored.js'
import type { Result, Run } from './result.js'
import { sampleAudit, sampleLatency, sampleResult, sampleRun } from './sample.js'

let made = 0

/** A result of a session of its own: records per second, p50, records per CPU second. */
function resultOf([speed, p50, perCore]: readonly [number, number, number], different: Partial<Run> = {}, document: Partial<Result> = {}) {
  const run = sampleRun('receiver', [speed], { records: 1000, latency: sampleLatency(700, p50), ...different })
  const cpu = run.cpu && { ...run.cpu, recordsPerSecondPerCore: perCore }
  return sampleResult([{ ...run, cpu }], { createdAt: new Date(Date.UTC(2026, 0, 1) + 1000 * made++).toISOString(), ...document })
}

const side = (name: string, results: readonly Result[]): Side => ({
  name,
  results: results.map((result, i) => ({ file: `${name}/${i}.json`, result })),
})

const noise = [1, 1.01, 0.99, 1.005, 0.995]

/** Five results around these figures. */
const around = (figures: readonly [number, number, number], different?: Partial<Run>, document?: Partial<Result>) =>
  noise.map((times) =>
    resultOf(figures.map((figure) => figure * times) as unknown as readonly [number, number, number], different, document),
  )

function gated(before: readonly Result[], after: readonly Result[], metric: GateMetric, strict = false) {
  const [a, b] = [side('before', before), side('after', after)]
  const findings = [a, b].flatMap(({ results }) => results.flatMap(({ result }) => findingsIn(result)))
  return gateOnResults(compare(a, b, defaultRule.minEffect, defaultRule.confidence), metric, {
    sides: [a, b],
    rule: defaultRule,
    strict,
    findings,
    seconds: 0.1,
  })
}

const display = { tty: false, columns: 140 }

test('ten per cent less is a regression, ten per cent more is faster, two per cent is neither', () => {
  const before = around([1000, 10, 500])
  const word = (after: readonly Result[]) => {
    const { status, rows } = gated(before, after, 'throughput')
    return [status, rows.map((row) => row.word).join()]
  }
  assert.equal(word(around([900, 10, 500])), [3, 'slower'])
  assert.equal(word(around([1100, 10, 500])), [0, 'faster'])
  // Shown, and too small to matter.
  const little = gated(before, around([970, 10, 500]), 'throughput')
  assert.ok((little.rows[0]?.interval?.high ?? 2) < 1)
  assert.equal([little.status, little.rows[0]?.word], [0, 'no regression shown'])
})

test('a longer latency is the slower one: below 1 is worse, whatever the metric', () => {
  const before = around([1000, 10, 500])
  const slow = gated(before, around([1000, 12, 500]), 'p99')
  assert.is(slow.status, 3)
  assert.ok(Math.abs((slow.rows[0]?.ratio ?? 0) - 10 / 12) < 1e-9)
  assert.ok((slow.rows[0]?.interval?.high ?? 2) < 1)
  assert.match(slow.summary, /receiver on postgres, steady: speed at p99 is slower by 16\.7% \[-\d/)
  assert.match(renderGate(slow, display), /42 ms +50\.4 ms/)
  assert.is(gated(before, around([1000, 8, 500]), 'p99').rows[0]?.word, 'faster')
})

test('records per CPU time tell what a given rate hides', () => {
  const { status, rows, notes } = gated(around([1000, 10, 500]), around([1000, 10, 440]), 'cpu')
  assert.equal([status, rows[0]?.unit, rows[0]?.word], [3, 'records/s per core', 'slower'])
  assert.match(notes.join('\n'), /not decided on: records\/s \+0\.0%/)
})

test('too few results cannot tell and say how many more it takes; strict makes that a failure', () => {
  const one = (speed: number) => [resultOf([speed, 10, 500])]
  const few = gated(one(1000), one(500), 'throughput')
  assert.equal([few.status, few.rows[0]?.word], [0, 'cannot tell'])
  assert.match(few.summary, /cannot tell, throughput -50\.0%: too few runs: at least \d+ more a side/)
  assert.match(gateJunit(few), /<skipped message="[^"]*at least \d+ more a side"/)
  assert.is(gated(one(1000), one(500), 'throughput', true).status, 1)
})

test('repetitions and blocks of one session are no results: they fail nothing', () => {
  const several = (speed: number) => {
    const runs = noise.map((times, i) => sampleRun('receiver', [speed * times], { records: 1000, repetition: i + 1 }))
    return sampleResult(runs, { createdAt: new Date(Date.UTC(2026, 0, 1) + 1000 * made++).toISOString() })
  }
  const blocks = (speed: number) =>
    sampleResult([
      sampleRun(
        'receiver',
        noise.map((times) => speed * times),
        { records: 1000 },
      ),
    ])
  for (const [before, after] of [
    [[several(1000)], [several(500)]],
    [[several(1000)], around([500, 10, 500])],
    [[blocks(1000)], [blocks(500)]],
  ] as const) {
    const { status, rows, summary } = gated(before, after, 'throughput')
    assert.equal([status, rows[0]?.word, rows[0]?.interval], [0, 'cannot tell', null])
    assert.match(summary, /cannot tell, throughput -[45]\d\.\d%: two results a side at the least/)
    assert.is(gated(before, after, 'throughput', true).status, 1)
  }
})

test('latencies at other rates are no figure', () => {
  const others = around([1000, 10, 500], { latency: sampleLatency(900, 20) })
  const { status, rows, summary } = gated(around([1000, 10, 500]), others, 'p99')
  assert.equal([status, rows[0]?.word, rows[0]?.ratio, rows[0]?.interval], [0, 'cannot tell', null, null])
  assert.match(summary, /cannot tell, speed at p99: rates differ/)
})

test('a rate that was given and is no longer kept is a regression of latency, though its latencies are no figure', () => {
  const leg = sampleRun('receiver', [1000]).latencyLeg
  if (leg === undefined) throw new Error('the sample has a latency leg')
  const given = { latency: sampleLatency(700, 10), latencyLeg: { ...leg, rate: 700, share: null } }
  /** So many results, of which the first few were overloaded. */
  const loaded = (overloaded: number, count: number, different: Partial<Run> = given) =>
    Array.from({ length: count }, (_, i) =>
      resultOf([1000, 10, 500], { ...different, ...(i < overloaded ? { verdict: 'overloaded' } : {}) }),
    )
  const shown = gated(loaded(0, 5), loaded(3, 5), 'p99')
  assert.equal([shown.status, shown.rows[0]?.word, shown.rows[0]?.ratio], [3, 'slower', null])
  const sentence =
    'receiver on postgres, steady: speed at p99 is slower: at 700/s the candidate was overloaded in 3 of 5 results, the base in none of 5'
  assert.is(shown.summary, sentence)
  assert.match(renderGate(shown, display), sentence)
  assert.match(gateJunit(shown), /failures="1"[^>]*>[\s\S]*<failure message="[^"]*overloaded in 3 of 5/)
  const ownRate = { ...given, latencyLeg: { ...leg, share: 0.7 } }
  for (const [why, before, after] of [
    ['too few of the candidate', loaded(0, 4), loaded(2, 4)],
    ['the base too', loaded(1, 5), loaded(5, 5)],
    ['the base, and the candidate no longer', loaded(5, 5), loaded(0, 5)],
    ['one result a side', loaded(0, 1), loaded(1, 1)],
    ["a share of each run's own full speed", loaded(0, 5, ownRate), loaded(5, 5, ownRate)],
  ] as const) {
    const { status, rows } = gated(before, after, 'p99')
    assert.equal([status, rows[0]?.word], [0, 'cannot tell'], why)
  }
  assert.is(gated(loaded(0, 5), loaded(5, 5), 'throughput').rows[0]?.word, 'no regression shown')
})

test('a lost record is a finding on either side, and there are no figures', () => {
  const good = around([1000, 10, 500])
  const lost = [...good.slice(1), resultOf([1000, 10, 500], { verdict: 'unsound', audit: sampleAudit(1000, { stored: 999, lost: 1 }) })]
  for (const [before, after] of [
    [good, lost],
    [lost, good],
  ] as const) {
    const { status, findings, rows } = gated(before, after, 'throughput')
    assert.equal([status, findings, rows], [1, ['receiver on postgres: the audit found 1 lost'], []])
  }
})

test('a run that is unsound for what its legs do not show is a finding, with the reasons', () => {
  const sums = 'the audit does not add up: some record has no fate, or two'
  const lost = { audit: sampleAudit(1000, { stored: 999, lost: 1 }) }
  const run = (different: Partial<Run>) => sampleRun('receiver', [1000], different)
  assert.equal(findingsOf(run({ verdict: 'unsound', reasons: [sums] })), [`receiver on postgres is unsound: ${sums}`])
  assert.equal(findingsOf(run({ verdict: 'unsound', reasons: ['the audit found 1 lost', sums], ...lost })), [
    'receiver on postgres: the audit found 1 lost',
    `receiver on postgres is unsound: ${sums}`,
  ])
  const good = around([1000, 10, 500])
  const beside = resultOf([1000, 10, 500], { verdict: 'unsound', reasons: ['the audit found 2 duplicated'] })
  const { status, findings } = gated(good, [...good.slice(1), beside], 'throughput')
  assert.equal([status, findings], [1, ['receiver on postgres is unsound: the audit found 2 duplicated']])
})

test('damage to the row-at-a-time baseline is a finding too', () => {
  const [first, ...others] = around([1000, 10, 500]) as [Result, ...Result[]]
  const damaged = { ...first, baseline: { ...first.baseline, audit: sampleAudit(20_000, { stored: 19_997, lost: 3 }) } }
  const { status, findings } = gated([damaged, ...others], around([1000, 10, 500]), 'throughput')
  assert.equal([status, findings], [1, ['the row-at-a-time baseline: the audit found 3 lost']])
})

test('another machine makes the word advice, and the heading says so', () => {
  const here = around([1000, 10, 500])
  const machine = { ...(here[0] as Result).machine, cpuModel: 'Another CPU' }
  const there = around([900, 10, 500], { environmentHash: 'e'.repeat(64) }, { machine })
  const report = gated(here, there, 'throughput')
  assert.is(report.advice, 'another machine')
  const text = renderGate(report, display)
  assert.match(text, 'REGRESSION (advice: another machine)')
  assert.match(text, 'another environment: machine.cpuModel was "Example CPU 2.5 GHz" and is "Another CPU"')
})

test.run()
