// How late a late record is: it belongs to a month before the one in which it arrives.

import { monthStart } from './render-clock'

/**
 * The second of a record that arrives at `second` and is late: before the month's beginning, by a time that seven in
 * eight times is some hours (2^10 to 2^16 seconds: 17 minutes to 18 hours, half of them below 2.3) and else days or weeks
 * (2^16 to 2^22 seconds: to 48.5 days, so that the second month before is reached and none before that). Each octave is
 * as likely as the next, as waiting times that nobody limits are.
 */
export function lateSecond(second: i64, bits: u64): i64 {
  const octave = (bits & 7) != 0 ? 10 + ((bits >> 3) & 0xffff) % 6 : 16 + ((bits >> 3) & 0xffff) % 6
  const within = (bits >> 20) & (((<u64>1) << octave) - 1)
  return monthStart(second) - <i64>(((<u64>1) << octave) + within)
}
