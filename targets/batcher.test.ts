/** Batches close when full or when told to, in order, and no more are under way than allowed. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Chunk } from '../generators/record.js'
import { Batcher } from './batcher.js'

const chunk = (first: number, count: number): Chunk => ({ source: 1, first, count, lines: new Uint8Array(count).fill(10) })
const never = new AbortController().signal

test('a batch closes with the chunk that fills it, and what is left is flushed', async () => {
  const sizes: number[] = []
  const batcher = new Batcher({ batchRecords: 10, lingerMs: 1e6, inFlight: 1 }, async (batch) => {
    sizes.push(batch.reduce((sum, { count }) => sum + count, 0))
  })
  for (let i = 0; i < 7; i++) await batcher.add(chunk(i * 4, 4))
  assert.equal(sizes, [12, 12])
  await batcher.flush(never)
  assert.equal(sizes, [12, 12, 4])
})

test('add waits while as many batches are under way as allowed', async () => {
  const finish: (() => void)[] = []
  const batcher = new Batcher({ batchRecords: 1, lingerMs: 1e6, inFlight: 2 }, () => new Promise((resolve) => finish.push(resolve)))
  await batcher.add(chunk(0, 1))
  let ready = false
  const second = batcher.add(chunk(1, 1)).then(() => {
    ready = true
  })
  await Promise.resolve()
  assert.is(ready, false)
  assert.is(finish.length, 2)
  finish[0]?.()
  await second
  assert.is(ready, true)
  finish[1]?.()
  await batcher.flush(never)
})

test('a batch that has lingered waits for its turn as a full one does', async () => {
  const finish: (() => void)[] = []
  const batcher = new Batcher({ batchRecords: 10, lingerMs: 1, inFlight: 1 }, () => new Promise((resolve) => finish.push(resolve)))
  const lingers = () => new Promise((done) => setTimeout(done, 30))
  await batcher.add(chunk(0, 4))
  await lingers()
  assert.is(finish.length, 1)
  const second = batcher.add(chunk(4, 4))
  await lingers()
  assert.is(finish.length, 1, 'no more than one is under way')
  finish[0]?.()
  await new Promise((done) => setImmediate(done))
  assert.is(finish.length, 2, 'and the next is, without anything being added')
  finish[1]?.()
  await second
  await batcher.flush(never)
})

test('flush gives up when told to', async () => {
  const abort = new AbortController()
  const batcher = new Batcher({ batchRecords: 1, lingerMs: 1e6, inFlight: 2 }, () => new Promise(() => undefined))
  await batcher.add(chunk(0, 1))
  const flushed = batcher.flush(abort.signal)
  abort.abort(new Error('enough'))
  let error: unknown
  await flushed.catch((thrown: unknown) => {
    error = thrown
  })
  assert.match(String(error), /enough/)
})

test('after stop nothing more is taken, and what was not handed over is forgotten', async () => {
  let written = 0
  const batcher = new Batcher({ batchRecords: 10, lingerMs: 1e6, inFlight: 1 }, async () => {
    written++
  })
  await batcher.add(chunk(0, 4))
  batcher.stop()
  let error: unknown
  await batcher.add(chunk(4, 4)).catch((thrown: unknown) => {
    error = thrown
  })
  assert.match(String(error), /closed/)
  await batcher.flush(never)
  assert.is(written, 0)
})

test.run()
