/** The probe of visibility: intervals that hold the truth, one record at a time, an honest end; and once against the real store. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { chunksOf, onEmbedded, streamOf } from '../stores/postgres/servers.testing.js'
import type { Settlement } from '../stores/store.js'
import { ManualClock, systemClock } from './clock.js'
import { VisibilityProbe } from './visibility.js'

const stored = (first: number, count = 1): Settlement => ({ source: 1, first, count, fate: 'stored' })

/** Sees records from some time on; every question takes as long as it is told. */
function store(clock: ManualClock, visibleAtMs: (position: number) => number, questionMs = 0) {
  const asked: number[] = []
  const seen = async (_source: number, position: number) => {
    asked.push(position)
    const answer = clock.now() >= visibleAtMs(position)
    clock.advance(questionMs)
    return answer
  }
  return { asked, seen }
}

/** Lets everything that waits on a clock have so many turns. */
async function turns(clock: ManualClock, count: number): Promise<void> {
  for (let i = 0; i < count; i++) await clock.until(clock.now())
}

test('seen at once: from nothing to the first answer', async () => {
  const clock = new ManualClock()
  const { seen, asked } = store(clock, () => 0, 3)
  const probe = new VisibilityProbe({ seen, clock })
  probe.settled(stored(10, 5))
  const { probes, pending, unseen, max } = await probe.stop()
  assert.equal({ probes, pending, unseen, max }, { probes: 1, pending: 0, unseen: 0, max: { low: 0, high: 3 } })
  assert.equal(asked, [14], 'the last record of the range')
})

test('seen later: the truth lies in the interval, which is narrow', async () => {
  for (const [trueMs, questionMs] of [
    [1, 0.5],
    [7, 0.5],
    // It becomes visible while a question is under way that is then answered no.
    [7, 5],
    [100, 0.5],
    [900, 0.5],
  ] as const) {
    const clock = new ManualClock()
    const { seen } = store(clock, () => trueMs, questionMs)
    const probe = new VisibilityProbe({ seen, clock })
    probe.settled(stored(0))
    await turns(clock, 200)
    const { p50, p99, max, probes } = await probe.stop()
    assert.is(probes, 1)
    assert.equal(p50, p99)
    assert.ok(max !== null)
    assert.ok(max.low <= trueMs && trueMs <= max.high, `${trueMs} lies in ${JSON.stringify(max)}`)
    assert.ok(max.high - max.low <= 2 * questionMs + 1.5 + trueMs / 4, `${JSON.stringify(max)} is narrow`)
  }
})

test('one at a time, one in so many milliseconds, and only what is stored', async () => {
  const clock = new ManualClock()
  const { seen, asked } = store(clock, () => 0)
  const probe = new VisibilityProbe({ seen, clock, everyMs: 50 })
  probe.settled({ source: 1, first: 0, count: 5, fate: 'accepted' })
  for (let position = 0; position < 200; position++) {
    probe.settled(stored(position))
    probe.settled(stored(position + 1000))
    await turns(clock, 3)
    clock.advance(1)
  }
  const { probes } = await probe.stop()
  assert.equal(asked, [0, 50, 100, 150])
  assert.is(probes, 4)
  probe.settled(stored(7))
  assert.is((await probe.stop()).probes, 4, 'stopped is stopped')
})

test('what is never seen is counted, and the next record gets its turn', async () => {
  const clock = new ManualClock()
  const { seen } = store(clock, (position) => (position === 0 ? Number.POSITIVE_INFINITY : 0))
  const probe = new VisibilityProbe({ seen, clock, giveUpMs: 100 })
  probe.settled(stored(0))
  await turns(clock, 100)
  probe.settled(stored(1))
  const { probes, unseen, pending } = await probe.stop()
  assert.equal({ probes, unseen, pending }, { probes: 1, unseen: 1, pending: 0 })
})

test('the end of the run finds a record under way; a question without an answer does not hold it up', async () => {
  const clock = new ManualClock()
  const waiting = new VisibilityProbe({ seen: store(clock, () => Number.POSITIVE_INFINITY).seen, clock })
  waiting.settled(stored(0))
  const silent = new VisibilityProbe({ seen: () => new Promise(() => undefined), clock })
  silent.settled(stored(0))
  for (const probe of [waiting, silent]) {
    const { probes, unseen, pending, p50 } = await probe.stop()
    assert.equal({ probes, unseen, pending, p50 }, { probes: 0, unseen: 0, pending: 1, p50: null })
  }
})

test('a question that fails says nothing about the record', async () => {
  const clock = new ManualClock()
  let asked = 0
  const seen = async () => {
    clock.advance(1)
    if (++asked <= 2) throw new Error('the server is gone')
    return true
  }
  const probe = new VisibilityProbe({ seen, clock })
  probe.settled(stored(0))
  await turns(clock, 20)
  const { failures, probes, max } = await probe.stop()
  assert.equal([failures, probes, max?.low], [2, 1, 0])
})

onEmbedded('rows that are committed are seen, of a whole run', async (ground) => {
  const run = await ground.run()
  const probe = new VisibilityProbe({ seen: (source, position) => run.seen(source, position), clock: systemClock, everyMs: 0 })
  const writer = ground.closing(await run.writer())
  for (const chunk of await chunksOf(streamOf(), 0, 40_000)) for (const settlement of await writer.write([chunk])) probe.settled(settlement)
  const { probes, unseen, failures, p50 } = await probe.stop()
  assert.ok(probes > 0)
  assert.equal([unseen, failures, p50?.low], [0, 0, 0], 'a commit on Postgres is visible when it is answered')
  assert.not(await run.seen(1, 40_001), 'what was not written is not seen')
})

test.run()
