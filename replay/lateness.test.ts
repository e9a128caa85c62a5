/** Whose fault it is that records are late: rendering adds up while everything is late, waiting for the target does not. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { Lateness } from './lateness.js'

test('on time: called late and rendering are the lag, and nothing is carried on', () => {
  const lateness = new Lateness(0)
  assert.is(lateness.handed(10, 11, 13), 3)
  lateness.ready(14)
  assert.is(lateness.handed(20, 20, 21), 1)
})

test('rendering slower than the rate adds up to all of the lateness', () => {
  const lateness = new Lateness(0)
  let now = 0
  for (let chunk = 0; chunk < 100; chunk++) {
    // Due every 10 ms; rendered in 15.
    const lag = lateness.handed(chunk * 10, Math.max(now, chunk * 10), Math.max(now, chunk * 10) + 15)
    now = Math.max(now, chunk * 10) + 15
    lateness.ready(now)
    assert.is(lag, now - chunk * 10)
  }
  assert.is(now - 990, 510)
})

test('a target that lets everybody wait is no lag', () => {
  const lateness = new Lateness(0)
  lateness.handed(0, 0, 0)
  lateness.ready(1000)
  assert.is(lateness.handed(10, 1000, 1000), 0)
  // Catching up, a twentieth of the time goes into rendering.
  let now = 1000
  let largest = 0
  for (let due = 20; now > due; due += 10) {
    largest = Math.max(largest, lateness.handed(due, now, now + 0.25))
    now += 5
    lateness.ready(now)
  }
  assert.ok(largest > 40 && largest < 60, `${largest} ms of a second`)
  assert.is(lateness.handed(now + 10, now + 10, now + 10.5), 0.5)
})

test('rendering adds nothing where the target would have let lines wait as long that had been there earlier', () => {
  const lateness = new Lateness(0)
  let now = 0
  let largest = 0
  // Records are due every 10 ms, and the target has room for more every 12: the driver renders for 1 of them and waits for 11.
  for (let chunk = 0; chunk < 1000; chunk++) {
    largest = Math.max(largest, lateness.handed(10 * chunk, now, now + 1))
    now += 12
    lateness.ready(now, 11)
  }
  assert.is(largest, 1)
})

test.run()
