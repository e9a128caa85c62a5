/** Repeated runs taken together: means and intervals over runs, the worst verdict, every audit, and no half runs. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { rank } from './rank.js'
import { halfWidth, summaries, together } from './repetitions.js'
import { sampleAudit, sampleResult, sampleRun } from './sample.js'
import { meanInterval } from './statistics.js'
import { renderTable } from './table.js'

const repeated = (target: string, speeds: readonly number[]) =>
  speeds.map((speed, i) =>
    sampleRun(target, [speed * 0.99, speed * 1.01], {
      repetition: i + 1,
      blocks: [0, 1].map((block) => ({
        index: 2 * i + block,
        records: speed,
        elapsedMs: 1000,
        recordsPerSecond: speed * (0.99 + block * 0.02),
      })),
    }),
  )

test('a run that was not repeated stays as it is', () => {
  const runs = [sampleRun('a', [1, 2]), sampleRun('b', [3, 4])]
  assert.equal(together(runs), runs)
})

test('rates are means over runs, and so are their intervals', () => {
  const [one, ...none] = summaries(repeated('a', [100, 110, 105]))
  assert.is(none.length, 0)
  const { mean, interval } = meanInterval([100, 110, 105])
  assert.is(one?.runs, 3)
  assert.ok(Math.abs((one?.recordsPerSecond ?? 0) - mean) < 1e-9)
  assert.ok(Math.abs((one?.interval?.low ?? 0) - (interval?.low ?? 1)) < 1e-9)
  assert.ok(Math.abs((one?.interval?.high ?? 0) - (interval?.high ?? 1)) < 1e-9)
  assert.ok((one?.latency?.intervals?.p99?.high ?? 0) > (one?.latency?.p99 ?? Number.POSITIVE_INFINITY))
})

test('the verdict is the worst, and audits are added up', () => {
  const runs = repeated('a', [100, 110])
  const [second] = runs.splice(1, 1, {
    ...(runs[1] as (typeof runs)[0]),
    verdict: 'unsound',
    reasons: ['the audit found 2 lost'],
    audit: sampleAudit(1000, { stored: 998, lost: 2 }),
  })
  assert.ok(second)
  const [merged] = together(runs)
  assert.is(merged?.verdict, 'unsound')
  assert.equal(merged?.reasons, ['the audit found 2 lost'])
  assert.is(merged?.audit?.lost, 2)
  assert.is(merged?.audit?.offered, 1000 + (runs[0]?.audit?.offered ?? 0))
})

test('of an interrupted session the finished runs count', () => {
  const runs = repeated('a', [100, 110, 300])
  runs.splice(2, 1, { ...(runs[2] as (typeof runs)[0]), verdict: 'interrupted' })
  const [one] = summaries(runs)
  assert.is(one?.verdict, 'ok')
  assert.is(one?.runs, 2)
  assert.is(one?.recordsPerSecond, 105)
  assert.is(summaries(runs.slice(2))[0]?.verdict, 'interrupted')
})

test('repeated runs are ranked once each, by the blocks of all repetitions', () => {
  const { ranked, winner } = rank([...repeated('a', [100, 110, 105]), ...repeated('b', [50, 56, 53])])
  assert.equal(
    ranked.map(({ target, run }) => [target, run]),
    [
      ['a', 0],
      ['b', 3],
    ],
  )
  assert.is(winner, 'a')
  assert.is(ranked[1]?.leaderTimes?.pairs, 6)
})

test('the table has a line for each and says how many runs it stands for', () => {
  const runs = [...repeated('a', [100, 110, 105]), ...repeated('b', [50, 56, 53])]
  const text = renderTable(sampleResult(runs, { together: summaries(runs) }), { tty: false })
  assert.is(text.match(/^a +[0-9]/gm)?.length, 1)
  assert.match(text, /Means of 3 runs each/)
})

test('half the width of an interval, as a share', () => {
  assert.is(halfWidth(100, { low: 98, high: 102, confidence: 0.95 }), 0.02)
  assert.is(halfWidth(100, null), Number.POSITIVE_INFINITY)
})

test.run()
