/** The pool of buffers: what is given back is handed out again, once, and nothing else is. */
import * as fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { BufferPool } from './buffer-pool.js'

test('a view has exactly the bytes asked for, whatever its buffer has', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 3_000_000 }), (bytes) => {
      const view = new BufferPool().take(bytes)
      assert.is(view.length, bytes)
      assert.is(view.byteOffset, 0)
      assert.ok(view.buffer.byteLength - bytes <= Math.max(4096, bytes / 8), `${view.buffer.byteLength} bytes for ${bytes}`)
    }),
  )
})

test('what is given back is handed out again, the last first', () => {
  const pool = new BufferPool()
  const [a, b] = [pool.take(250_000), pool.take(250_100)]
  pool.give(a)
  pool.give(b)
  assert.is(pool.take(249_000).buffer, b.buffer)
  assert.is(pool.take(249_000).buffer, a.buffer)
  assert.is.not(pool.take(249_000).buffer, a.buffer)
})

test('given back twice is given back once: no two hold the same', () => {
  const pool = new BufferPool()
  const view = pool.take(1000)
  pool.give(view)
  pool.give(view)
  assert.is(pool.take(1000).buffer, view.buffer)
  assert.is.not(pool.take(1000).buffer, view.buffer)
})

test('a buffer that went to a thread is taken back as what came from there', () => {
  const pool = new BufferPool()
  const view = pool.take(1000)
  const back = structuredClone(view, { transfer: [view.buffer as ArrayBuffer] })
  pool.give(view)
  pool.give(back)
  assert.is(pool.take(1000).buffer, back.buffer)
})

test("others' buffers are not taken", () => {
  const pool = new BufferPool()
  const other = new Uint8Array(5000)
  pool.give(other)
  assert.is.not(pool.take(5000).buffer, other.buffer)
})

test('no more than a bound lies idle', () => {
  const pool = new BufferPool()
  const views = Array.from({ length: 10 }, () => pool.take(16 * 1024 * 1024))
  for (const view of views) pool.give(view)
  const again = Array.from({ length: 10 }, () => pool.take(16 * 1024 * 1024))
  assert.is(again.filter(({ buffer }) => views.some((view) => view.buffer === buffer)).length, 8)
})

test.run()
