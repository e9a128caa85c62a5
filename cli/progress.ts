/** One line that says what a session is at, how fast, and how long it will take. */
import type { Progress } from '../replay/session.js'
import { duration, rate } from '../results/format.js'

/** @param elapsedMs milliseconds since the session began; the time left is extrapolated from it once a twentieth is done. */
export function progressLine({ label, done, total, recordsPerSecond }: Progress, elapsedMs: number): string {
  const share = total > 0 ? Math.min(1, done / total) : 0
  const parts = [`${String(Math.floor(share * 100)).padStart(3)}%`, label]
  if (recordsPerSecond !== null) parts.push(`${rate(recordsPerSecond)} records/s`)
  if (share >= 0.05 && share < 1) parts.push(`${duration((elapsedMs * (1 - share)) / share / 1000)} left`)
  return parts.join('  ')
}
