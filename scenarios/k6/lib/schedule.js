// When requests are due. A schedule has k6's own options for it, and says of each request, by its number from 0, when it was due.
//
// k6 numbers the iterations that it starts, one after the other. One that it drops, since no virtual user is free, gets no number:
// request i is then sent by the iteration of a later moment, and was due at its own all the same. So the requests wait in a queue,
// in order, and what is left in it at the end was due and never sent.

/**
 * @typedef {object} Schedule
 * @property {number} planned requests in all
 * @property {(index: number) => number} dueAtMs milliseconds after the scenario's start
 * @property {import('k6/options').Scenario} scenario without `exec`
 */

/** The threshold on iterations that k6 drops: one in a hundred. @param {Schedule} schedule */
export const fewDropped = ({ planned }) => `count<=${Math.floor(planned / 100)}`

/** Who is still waiting for an answer at the end is waited for. */
const gracefulStop = '60s'

/**
 * A constant rate: request i is due at i over the rate.
 * @param {{ rate: number, per: number, durationMs: number, connections: number }} wish so many requests in `per` seconds
 * @returns {Schedule}
 */
export function constant({ rate, per, durationMs, connections }) {
  // k6 counts in whole nanoseconds.
  const periodMs = Math.floor((per * 1e9) / rate) / 1e6
  return {
    planned: Math.max(1, Math.ceil((durationMs * rate) / (1000 * per) - 1e-9)),
    dueAtMs: (index) => index * periodMs,
    scenario: {
      executor: 'constant-arrival-rate',
      rate,
      timeUnit: `${per}s`,
      duration: `${durationMs}ms`,
      preAllocatedVUs: connections,
      maxVUs: connections,
      gracefulStop,
    },
  }
}

/**
 * Bursts in a constant rate, in the middle of each period: request i is due when the integral of the rate reaches i + 1, as k6 has it.
 * @param {{ rate: number, per: number, peak: number, burstMs: number, everyMs: number, durationMs: number, connections: number }} wish
 * @returns {Schedule}
 */
export function bursts({ rate, per, peak, burstMs, everyMs, durationMs, connections }) {
  if (burstMs >= everyMs) throw new Error('WEIR_BURST must be shorter than WEIR_EVERY: a burst ends before the next begins')
  const high = Math.round(rate * peak)
  const quietMs = (everyMs - burstMs) / 2
  const periods = Math.max(1, Math.round(durationMs / everyMs))
  const pieces = [
    { lengthMs: quietMs, rate },
    { lengthMs: burstMs, rate: high },
    { lengthMs: quietMs, rate },
  ].map((piece) => ({ ...piece, requests: (piece.lengthMs * piece.rate) / (1000 * per) }))
  const perPeriod = pieces.reduce((sum, { requests }) => sum + requests, 0)
  const stages = Array.from({ length: periods }, () => [
    { duration: `${quietMs}ms`, target: rate },
    { duration: '0ms', target: high },
    { duration: `${burstMs}ms`, target: high },
    { duration: '0ms', target: rate },
    { duration: `${quietMs}ms`, target: rate },
  ]).flat()
  return {
    // The one that is due at the very end may come or not.
    planned: Math.max(1, Math.ceil(perPeriod * periods - 1e-9) - 1),
    dueAtMs(index) {
      const period = Math.floor((index + 1) / perPeriod)
      let left = index + 1 - period * perPeriod
      let atMs = period * everyMs
      for (const { lengthMs, requests } of pieces) {
        if (left <= requests) return atMs + (lengthMs * left) / requests
        left -= requests
        atMs += lengthMs
      }
      return atMs
    },
    scenario: {
      executor: 'ramping-arrival-rate',
      startRate: rate,
      timeUnit: `${per}s`,
      stages,
      preAllocatedVUs: connections,
      maxVUs: connections,
      gracefulStop,
    },
  }
}

/**
 * All at once: every request is due at the start, and is sent as soon as a connection is free.
 * @param {{ requests: number, withinMs: number, connections: number }} wish
 * @returns {Schedule}
 */
export function atOnce({ requests, withinMs, connections }) {
  return {
    planned: requests,
    dueAtMs: () => 0,
    scenario: {
      executor: 'shared-iterations',
      vus: Math.min(connections, requests),
      iterations: requests,
      maxDuration: `${withinMs}ms`,
      gracefulStop,
    },
  }
}
