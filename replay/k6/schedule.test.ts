/** Schedules are those of the scripts: the very formulas that k6 is told to follow, computed a second time. */
import { fileURLToPath } from 'node:url'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { lineSchedule } from './schedule.js'

interface ScriptSchedule {
  readonly planned: number
  dueAtMs(index: number): number
}

interface ScriptSchedules {
  constant(wish: object): ScriptSchedule
  bursts(wish: object): ScriptSchedule
  atOnce(wish: object): ScriptSchedule
}

const script = fileURLToPath(new URL('../../../scenarios/k6/lib/schedule.js', import.meta.url))
const scripts = (await import(script)) as ScriptSchedules
const common = { durationMs: 10_000, connections: 5, p99Ms: null }

function same(name: string, wish: Parameters<typeof lineSchedule>[0], there: ScriptSchedule): void {
  test(`${name}: as the script has it`, () => {
    const here = lineSchedule(wish)
    if (here === undefined) throw new Error('there is no schedule')
    assert.is(here.planned, there.planned)
    for (let i = 0; i < here.planned; i++) {
      const [a, b] = [here.dueAtMs(i), there.dueAtMs(i)]
      assert.ok(Math.abs(a - b) < 0.01, `request ${i} is due at ${a} or ${b}`)
    }
    assert.ok(here.dueAtMs(here.planned - 1) < here.spanMs)
  })
}

for (const [rate, lines] of [
  [2000, 100],
  [7, 3],
  [999, 10],
] as const) {
  same(`${rate}/s by ${lines}`, { ...common, rate, lines }, scripts.constant({ rate, per: lines, durationMs: 10_000, connections: 5 }))
  const burst = { peak: 4, burstMs: 300, everyMs: 2000 }
  same(
    `${rate}/s by ${lines} in bursts`,
    { ...common, rate, lines, ...burst },
    scripts.bursts({ rate, per: lines, ...burst, durationMs: 10_000, connections: 5 }),
  )
}
same('at once', { ...common, submissions: 50, lines: 2 }, scripts.atOnce({ requests: 50, withinMs: 10_000, connections: 5 }))

test.run()
