/** Months are dropped in order, when the stream has come far enough and all of their records have met their fate, and not before. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { recordTimeMs } from '../generators/renderer.js'
import type { StreamSpec } from '../generators/source.js'
import type { DroppedMonth } from '../stores/store.js'
import { Retention } from './events.js'
import { Ledger } from './ledger.js'

/** A hundred records a day from 2026-01-01 on: January has 3100, February 2800, March 3100. */
const spec: StreamSpec = {
  kind: 'stream',
  source: 1,
  profile: 'web',
  seed: '1',
  format: 'combined',
  startMs: Date.UTC(2026, 0, 1),
  recordsPerDay: 100,
}
const february = 3100
const march = 5900
const april = 9000

/** A run that is played by hand: the store drops when it is told to. */
class Played {
  now = 0
  readonly ledger = new Ledger(1, 0)
  readonly asked: string[] = []
  private readonly answers: ((outcome: DroppedMonth | Error) => void)[] = []
  readonly retention: Retention

  constructor(keepMonths: number) {
    this.retention = new Retention({
      spec,
      keepMonths,
      ledger: this.ledger,
      clock: { now: () => this.now, until: async () => undefined, idle: () => 0 },
      dropMonth: (month) => {
        this.asked.push(month)
        return new Promise((resolve, reject) =>
          this.answers.push((outcome) => (outcome instanceof Error ? reject(outcome) : resolve(outcome))),
        )
      },
    })
    this.retention.begin(0)
  }

  offer(to: number): void {
    this.ledger.offer(to - this.ledger.offered)
  }

  settle(first: number, to: number, atMs: number, due?: { readonly firstMs: number; readonly lastMs: number }): void {
    const settlement = { source: 1, first, count: to - first, fate: 'stored' as const }
    this.now = atMs
    this.ledger.settle(settlement)
    this.retention.settled(settlement, due === undefined ? { atMs } : { atMs, due })
  }

  async dropped(outcome: DroppedMonth | Error, atMs: number): Promise<void> {
    this.now = atMs
    this.answers.shift()?.(outcome)
    await new Promise(setImmediate)
  }
}

test('the months of the stream begin where this file says', () => {
  for (const [position, month] of [
    [february, '2026-02'],
    [march, '2026-03'],
    [april, '2026-04'],
  ] as const) {
    assert.ok(new Date(recordTimeMs(spec, position)).toISOString().startsWith(`${month}-01`))
    assert.ok(!new Date(recordTimeMs(spec, position - 1)).toISOString().startsWith(month))
  }
})

test('of two kept months the oldest goes when the third has begun and all of the oldest is settled', async () => {
  const run = new Played(2)
  run.offer(march)
  run.settle(0, march, 100)
  assert.equal(run.asked, [], 'March has not begun')
  run.offer(march + 10)
  run.settle(march, march + 10, 200)
  assert.equal(run.asked, ['2026-01'])
  await run.dropped({ rows: february, bytes: 7, stepsMs: { detach: 3 } }, 300)
  run.offer(april + 1)
  run.settle(march + 10, april + 1, 400)
  assert.equal(run.asked, ['2026-01', '2026-02'])
  await run.dropped({ rows: march - february, bytes: 8 }, 450)
  await run.retention.end()
  assert.equal(run.ledger.fates().dropped, [
    { month: '2026-01', from: 0, to: february, rows: february },
    { month: '2026-02', from: february, to: march, rows: march - february },
  ])
  const events = run.retention.events('throughput')
  assert.equal(events[0], {
    kind: 'drop-month',
    leg: 'throughput',
    month: '2026-01',
    block: 0,
    atMs: 200,
    tookMs: 100,
    rows: february,
    bytes: 7,
    stepsMs: { detach: 3 },
    meanwhile: { seconds: 0.2, recordsPerSecond: (april + 1 - march - 10) / 0.2, longestGapMs: 200 },
  })
  assert.is(events[1]?.meanwhile, null)
  assert.is(run.retention.disturbance().latency, null)
})

test('a record of the oldest month that is still under way holds its drop up', async () => {
  const run = new Played(1)
  run.offer(march)
  run.settle(0, 500, 10)
  run.settle(501, march, 20)
  assert.equal(run.asked, [])
  run.settle(500, 501, 30)
  assert.equal(run.asked, ['2026-01'])
  await run.dropped({ rows: 1, bytes: 1 }, 40)
  await run.retention.end()
})

test('drops that are due at once come one after the other, and the end of a block waits for them', async () => {
  const run = new Played(1)
  run.offer(april + 5)
  run.settle(0, april + 5, 10)
  assert.equal(run.asked, ['2026-01'])
  let over = false
  const end = run.retention.end().then(() => {
    over = true
  })
  await run.dropped({ rows: 1, bytes: 1 }, 20)
  assert.equal(run.asked, ['2026-01', '2026-02'])
  await run.dropped({ rows: 1, bytes: 1 }, 30)
  assert.not.ok(over)
  await run.dropped({ rows: 1, bytes: 1 }, 40)
  await end
  assert.equal(run.asked, ['2026-01', '2026-02', '2026-03'])
})

test('latencies are told apart by whether the record waited beside a drop', async () => {
  const run = new Played(1)
  run.offer(february + 100)
  run.settle(0, february, 50, { firstMs: 0, lastMs: 40 })
  run.settle(february, february + 50, 150, { firstMs: 60, lastMs: 100 })
  await run.dropped({ rows: 1, bytes: 1 }, 200)
  run.settle(february + 50, february + 100, 300, { firstMs: 290, lastMs: 299 })
  await run.retention.end()
  const { latency } = run.retention.disturbance()
  assert.is(latency?.meanwhile?.max, 90)
  assert.ok((latency?.otherwise?.max ?? 0) <= 50)
})

test('a drop that fails ends the run, puts its rows in doubt, and is not tried again', async () => {
  const run = new Played(1)
  run.offer(april)
  run.settle(0, april, 10)
  await run.dropped(new Error('no disk'), 20)
  let told = ''
  await run.retention.end().catch((error: Error) => {
    told = error.message
  })
  assert.is(told, 'month 2026-01 could not be dropped: no disk')
  assert.equal(run.asked, ['2026-01'])
  assert.equal(run.ledger.fates().failed, [{ from: 0, to: february }])
  assert.is(run.ledger.fates().dropped, undefined)
})

test.run()
