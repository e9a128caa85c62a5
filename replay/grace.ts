/** Waiting for something that may never come, for a while, on an injected clock. */
import type { Clock } from './clock.js'

/** A wait on a clock cannot be called off: none is longer than this, or it would keep the process alive. */
export const longestWaitMs = 50

/** Resolves when the promise has settled, well or badly, or after so many milliseconds. */
export async function settledWithin(promise: Promise<unknown>, clock: Clock, ms: number): Promise<void> {
  let settled = false
  const settling = promise.then(
    () => {
      settled = true
    },
    () => {
      settled = true
    },
  )
  const endMs = clock.now() + ms
  while (!settled && clock.now() < endMs) await Promise.race([settling, clock.until(Math.min(endMs, clock.now() + longestWaitMs))])
}
