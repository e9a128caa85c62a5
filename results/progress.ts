/** Live progress as text: a line that is rewritten on a terminal, a plain line now and then elsewhere. */
import { count, duration, rate } from './format.js'

export interface Progress {
  /** What is under way: 'worker-pool, full speed, block 2 of 5'. */
  readonly label: string
  readonly done: number
  /** Null when it is not known. */
  readonly total: number | null
  /** Per second; null before it is known. */
  readonly rate: number | null
  readonly secondsLeft: number | null
  /** What is counted (default 'records'). */
  readonly unit?: string
}

/** How a terminal is written to. */
export interface Terminal {
  readonly tty: boolean
  /** Width; what does not fit on a terminal's line is cut, or it would scroll instead of being rewritten. */
  readonly columns: number
}

/** Carriage return and erase to the end of the line: what to write before a rewritten line, and to take the last one away. */
export const rewrite = '\r\u001b[K'

/** One line of progress: on a terminal it starts by erasing the line and has no newline; elsewhere it ends with one. */
export function progressLine(progress: Progress, { tty, columns }: Terminal): string {
  const { label, done, total, secondsLeft } = progress
  const unit = progress.unit ?? 'records'
  const parts = [label]
  if (total !== null && total > 0) {
    const share = Math.min(100, Math.floor((100 * done) / total))
    parts.push(`${String(share).padStart(3)}%`, `${count(done)} of ${count(total)} ${unit}`)
  } else parts.push(`${count(done)} ${unit}`)
  if (progress.rate !== null) parts.push(`${rate(progress.rate)}/s`)
  if (secondsLeft !== null && Number.isFinite(secondsLeft)) parts.push(`${duration(secondsLeft)} left`)
  const line = parts.join('  ')
  return tty ? `${rewrite}${line.slice(0, Math.max(0, columns - 1))}` : `${line}\n`
}

/** When and what was last shown. */
export interface Shown {
  readonly atMs: number
  readonly label: string
}

/** Whether it is time for another line: ten a second on a terminal; elsewhere one for each new label and every ten seconds. */
export function isDue(last: Shown | undefined, label: string, nowMs: number, tty: boolean): boolean {
  if (!last || last.label !== label) return true
  return nowMs - last.atMs >= (tty ? 100 : 10_000)
}
