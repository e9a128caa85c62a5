/** Spans against a plain set of numbers. */
import * as fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { Spans } from './spans.js'

const piece = fc.tuple(fc.nat(60), fc.nat(12)).map(([from, length]) => ({ from, to: from + length }))
const step = fc.record({ what: fc.constantFrom('add' as const, 'remove' as const), piece })
const numbers = ({ from, to }: { from: number; to: number }) => Array.from({ length: to - from }, (_, i) => from + i)

test('any order of additions and removals leaves what a set of numbers would hold', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), piece, (steps, asked) => {
      const spans = new Spans()
      const model = new Set<number>()
      for (const { what, piece } of steps) {
        spans[what](piece)
        for (const number of numbers(piece)) what === 'add' ? model.add(number) : model.delete(number)
      }
      assert.equal(
        spans.missing(asked).flatMap(numbers),
        numbers(asked).filter((number) => !model.has(number)),
      )
      const held = [...model].sort((a, b) => a - b)
      const runs = held.filter((number, i) => number - 1 !== held[i - 1]).length
      assert.is(spans.size, runs, 'spans that touch are one')
    }),
    { numRuns: 2000 },
  )
})

test('missing pieces are as few as can be', () => {
  const spans = new Spans()
  spans.add({ from: 10, to: 20 })
  spans.add({ from: 30, to: 40 })
  assert.equal(spans.missing({ from: 0, to: 50 }), [
    { from: 0, to: 10 },
    { from: 20, to: 30 },
    { from: 40, to: 50 },
  ])
  assert.equal(spans.missing({ from: 12, to: 18 }), [])
  assert.equal(spans.missing({ from: 5, to: 5 }), [])
})

test.run()
