/** The search against targets whose capacity is known, with the noise of real probes, and against answers that make no sense. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type Random, seededRandom } from '../statistics.js'
import { type Answer, type Estimate, nextStep, type SearchOptions } from './search.js'

const options: SearchOptions = { fullSpeed: 300_000, precision: 0.05 }

interface Found {
  readonly estimate: Estimate
  readonly probes: number
  readonly end: string
  readonly answers: readonly Answer[]
}

function search(answer: (rate: number, turn: number) => number, most: number, asked: SearchOptions = options): Found {
  const answers: Answer[] = []
  for (;;) {
    const step = nextStep(answers, asked)
    if (step.kind === 'done') return { estimate: step.estimate, probes: answers.length, end: step.end, answers }
    if (answers.length >= most) return { estimate: step.estimate, probes: answers.length, end: 'budget', answers }
    answers.push({ rate: step.rate, sustained: answer(step.rate, answers.length) })
  }
}

interface Noise {
  /** Standard deviation of the target's capacity from probe to probe, as a share. */
  readonly wander: number
  /** Share of probes that answer wrongly whatever the rate. */
  readonly lapse: number
  /** Standard error with which a probe sees an overload, as a share of the rate. */
  readonly blur: number
}

/** A probe's answer as the decision makes it: its confidence falls as the overload approaches what it can tell from noise. */
function noisy(capacity: number, { wander, lapse, blur }: Noise, random: Random): (rate: number) => number {
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
  return (rate) => {
    const today = capacity * (1 + wander * normal())
    const margin = (Math.log(today / rate) + blur * normal()) / blur
    const sustained = Math.min(0.97, Math.max(0.03, 1 / (1 + Math.exp(-2 * margin))))
    return random() < lapse ? 1 - sustained : sustained
  }
}

function repeated(noise: Noise, most: number) {
  const random = seededRandom(7)
  const times = 40
  let covered = 0
  let probes = 0
  let width = 0
  for (let i = 0; i < times; i++) {
    const capacity = options.fullSpeed * (0.25 + 0.8 * random())
    const { estimate, probes: asked } = search(noisy(capacity, noise, random), most)
    if (estimate.interval.low <= capacity && capacity <= estimate.interval.high) covered++
    probes += asked
    width += (estimate.interval.high - estimate.interval.low) / estimate.recordsPerSecond / 2
  }
  return { covered: covered / times, probes: probes / times, halfWidth: width / times }
}

test('the interval covers the capacity as often as it says, on a quiet machine and on a noisy one', () => {
  const quiet = repeated({ wander: 0.01, lapse: 0, blur: 0.02 }, 30)
  assert.ok(quiet.covered >= 0.9, `covered ${quiet.covered}`)
  assert.ok(quiet.probes <= 20, `${quiet.probes} probes`)
  assert.ok(quiet.halfWidth <= 0.06, `half width ${quiet.halfWidth}`)

  const noisyMachine = repeated({ wander: 0.08, lapse: 0.02, blur: 0.04 }, 15)
  assert.ok(noisyMachine.covered >= 0.85, `covered ${noisyMachine.covered}`)
  assert.ok(noisyMachine.halfWidth <= 0.2, `half width ${noisyMachine.halfWidth}`)
})

test('more probes narrow the interval', () => {
  const noise = { wander: 0.05, lapse: 0.02, blur: 0.03 }
  const found = [8, 16, 40].map((most) => search(noisy(200_000, noise, seededRandom(3)), most, { ...options, precision: 0.01 }))
  const widths = found.map(({ estimate: { interval } }) => interval.high / interval.low)
  assert.ok((widths[0] ?? 0) > (widths[1] ?? 0) && (widths[1] ?? 0) > (widths[2] ?? 0), widths.join(' '))
})

test('a target that never sustains anything ends the search at the bottom', () => {
  const { end, probes, estimate } = search(() => 0, 100)
  assert.is(end, 'never')
  assert.ok(probes < 40, `${probes} probes`)
  assert.ok(estimate.interval.high < options.fullSpeed / 100)
})

test('a target that sustains everything ends it at the top', () => {
  const { end, probes } = search(() => 1, 100)
  assert.is(end, 'always')
  assert.ok(probes < 40, `${probes} probes`)
})

test('answers that contradict each other leave a wide interval, not a figure', () => {
  const { end, estimate } = search((_, turn) => turn % 2, 24)
  assert.is(end, 'budget')
  assert.ok(estimate.interval.high / estimate.interval.low > 1.2, `${estimate.interval.low} to ${estimate.interval.high}`)
})

test('unclear answers at one rate say that the capacity is near it', () => {
  const answers = Array.from({ length: 6 }, () => ({ rate: 200_000, sustained: 0.5 }))
  const { interval } = nextStep(answers, options).estimate
  assert.ok(interval.low > 120_000 && interval.high < 300_000, `${interval.low} to ${interval.high}`)
})

test('a target that slows down halfway: the ends are asked again, and the interval tells of it', () => {
  const { estimate, answers } = search((rate, turn) => (rate < (turn < 10 ? 200_000 : 140_000) ? 0.95 : 0.05), 30, {
    ...options,
    precision: 0.01,
  })
  assert.ok(estimate.interval.low < 160_000, `${estimate.interval.low} to ${estimate.interval.high}`)
  assert.ok(answers.slice(10).some(({ rate }) => rate < 180_000))
})

test('the first question is what a careful run would try', () => {
  const step = nextStep([], options)
  assert.is(step.kind, 'probe')
  if (step.kind === 'probe') assert.ok(step.rate > 0.5 * options.fullSpeed && step.rate < 0.85 * options.fullSpeed, `${step.rate}`)
})

test.run()
