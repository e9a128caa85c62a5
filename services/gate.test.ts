/** The gate lets through as many as it may, in the order they came, and turns away who comes on top or waits too long. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { Gate } from './gate.js'
import { Problem } from './problem.js'

/** Work that ends when it is told to. */
function work() {
  let end = () => {}
  const ended = new Promise<void>((resolve) => {
    end = resolve
  })
  return { end: () => end(), run: () => ended }
}

async function refused(promise: Promise<unknown>): Promise<Problem> {
  const error = await promise.then(
    () => undefined,
    (error: unknown) => error,
  )
  assert.instance(error, Problem)
  return error as Problem
}

test('two at once, two waiting in order, the fifth is told to come back', async () => {
  const gate = new Gate({ atOnce: 2, waiting: 2, patienceMs: 60_000 })
  const works = Array.from({ length: 4 }, work)
  const begun: number[] = []
  const through = works.map(({ run }, i) =>
    gate.through(() => {
      begun.push(i)
      return run()
    }),
  )
  assert.equal(begun, [0, 1])
  const problem = await refused(gate.through(async () => begun.push(4)))
  assert.is(problem.status, 503)
  assert.equal(problem.headers, { 'retry-after': '1' })
  works[1]?.end()
  await through[1]
  assert.equal(begun, [0, 1, 2])
  for (const { end } of works) end()
  await Promise.all(through)
  assert.equal(begun, [0, 1, 2, 3])
  assert.is(await gate.through(async () => 'free again'), 'free again')
})

test('who waits too long goes, and what fails gives its place back', async () => {
  const gate = new Gate({ atOnce: 1, waiting: 1, patienceMs: 1 })
  const first = work()
  const through = gate.through(first.run)
  await refused(gate.through(async () => undefined))
  await refused(gate.through(async () => undefined))
  first.end()
  await through
  const error = await gate.through(() => Promise.reject(new RangeError('of the work'))).catch((error: unknown) => error)
  assert.instance(error, RangeError)
  assert.is(await gate.through(async () => 'free again'), 'free again')
})

test.run()
