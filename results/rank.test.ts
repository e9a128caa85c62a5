/** Ranking: by pairs, only like with like, and no winner that noise could have made. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { rank } from './rank.js'
import { sampleAudit, sampleRun } from './sample.js'
import { seededRandom } from './statistics.js'

test('a clear winner is named with its lead over the next', () => {
  const ranking = rank([
    sampleRun('slow', [100, 101, 99, 100]),
    sampleRun('fast', [200, 203, 198, 201]),
    sampleRun('middle', [150, 149, 151, 150]),
  ])
  assert.is(ranking.winner, 'fast')
  assert.equal(
    ranking.ranked.map((run) => run.target),
    ['fast', 'middle', 'slow'],
  )
  assert.equal(
    ranking.ranked.map((run) => run.run),
    [1, 2, 0],
  )
  assert.is(ranking.ranked[0]?.leaderTimes, null)
  assert.ok(Math.abs((ranking.ranked[2]?.leaderTimes?.ratio ?? 0) - 2) < 0.02)
  assert.match(ranking.sentence, 'fast won: 1.34 times as fast as middle')
})

test('what slows the machine slows both sides of a pair and hides nothing', () => {
  const drift = [100, 60, 140, 30, 90]
  const ranking = rank([
    sampleRun(
      'a',
      drift.map((speed) => speed * 1.1),
    ),
    sampleRun('b', drift),
  ])
  assert.is(ranking.winner, 'a')
})

test('noise is no difference', () => {
  const ranking = rank([sampleRun('a', [100, 130, 90, 110]), sampleRun('b', [105, 95, 125, 100])])
  assert.is(ranking.winner, null)
  assert.match(ranking.sentence, /No difference was shown between [ab] and [ab]/)
  assert.is(ranking.ranked.length, 2)
})

test('equal targets get a winner in no more than about one of twenty sessions', () => {
  const random = seededRandom(8)
  const speeds = () => Array.from({ length: 5 }, () => 100 * Math.exp(0.2 * (random() + random() + random() - 1.5)))
  let winners = 0
  for (let i = 0; i < 600; i++) if (rank([sampleRun('a', speeds()), sampleRun('b', speeds()), sampleRun('c', speeds())]).winner) winners++
  assert.ok(winners / 600 < 0.07, `${winners} of 600`)
})

test('runs that may not be ranked are listed with the reason', () => {
  const ranking = rank([
    sampleRun('a', [100, 101]),
    sampleRun('b', [50, 51], { verdict: 'overloaded' }),
    sampleRun('weak', [900, 901], { durability: 'process' }),
    sampleRun('chosen', [900, 901], { image: 'rows (logins)' }),
    sampleRun('busy', [900, 901], { verdict: 'generator-bound', reasons: ['the generator used 20% of the CPU'] }),
    sampleRun('leaky', [900, 901], { audit: sampleAudit(10, { lost: 1 }) }),
    sampleRun('nothing', [900, 901], { audit: null }),
    sampleRun('other', [900, 901], { workloadHash: 'f'.repeat(64) }),
    sampleRun('broken', [900, 901], { verdict: 'failed', error: { message: 'no space' } }),
  ])
  assert.equal(
    ranking.ranked.map((run) => run.target),
    ['a', 'b'],
  )
  const reasons = Object.fromEntries(ranking.unranked.map(({ target, reason }) => [target, reason]))
  assert.match(reasons.weak ?? '', "durability is process, the others' power")
  assert.match(reasons.chosen ?? '', 'rows (logins)')
  assert.match(reasons.busy ?? '', 'generator used 20%')
  assert.match(reasons.leaky ?? '', '1 lost')
  assert.match(reasons.nothing ?? '', 'audited')
  assert.match(reasons.other ?? '', 'workload')
  assert.match(reasons.broken ?? '', 'no space')
})

test('stores are compared at equal durability, and then named', () => {
  const pair = [sampleRun('a', [100, 101, 99, 100]), sampleRun('a', [200, 203, 198, 201], { store: 'clickhouse' })]
  const ranking = rank(pair)
  assert.is(ranking.winner, 'a on clickhouse')
  assert.match(ranking.sentence, /^a on clickhouse won: 2\.?\d* times as fast as a on postgres/)
  const weaker = rank([...pair.slice(0, 1), sampleRun('a', [200, 203, 198, 201], { store: 'clickhouse', durability: 'process' })])
  assert.is(weaker.ranked.length, 1)
  assert.match(weaker.unranked[0]?.reason ?? '', "durability is process, the others' power")
})

test('one run, none, or too few blocks: said so', () => {
  assert.match(rank([]).sentence, 'Nothing was ranked')
  assert.match(rank([sampleRun('a', [1])]).sentence, 'Only a could be ranked')
  const single = rank([sampleRun('a', [100]), sampleRun('b', [10])])
  assert.is(single.winner, null)
  assert.match(single.sentence, 'a had the highest figure, but there were too few')
  const apart = rank([sampleRun('a', [100], { blocks: [] }), sampleRun('b', [200], { blocks: [] })])
  assert.equal(
    apart.ranked.map((run) => run.target),
    ['b', 'a'],
  )
  assert.is(apart.winner, null)
})

test.run()
