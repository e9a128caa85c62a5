/** A bell wakes everybody who waits, once, and remembers nobody who has given up. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { Bell } from './bell.js'

test('a ring wakes all who wait, and nobody who comes later', async () => {
  const bell = new Bell()
  const woken: string[] = []
  const waits = ['a', 'b'].map((name) => bell.next().then(() => woken.push(name)))
  bell.ring()
  await Promise.all(waits)
  void bell.next().then(() => woken.push('late'))
  await new Promise((done) => setImmediate(done))
  assert.equal(woken, ['a', 'b'])
  assert.is(bell.listeners, 1)
})

test('whoever has waited long enough, or was called off, is forgotten', async () => {
  const bell = new Bell()
  for (let i = 0; i < 5; i++) await bell.nextWithin(1)
  assert.is(bell.listeners, 0)
  const called = new AbortController()
  const waiting = bell.next(called.signal)
  called.abort(new Error('called off'))
  assert.is(await waiting.catch((error: Error) => error.message), 'called off')
  assert.is(bell.listeners, 0)
})

test.run()
