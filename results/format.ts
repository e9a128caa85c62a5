/** Numbers as people read them: as many digits as mean something, thousands separated. */
import type { Interval } from './result.js'

/** The number with at most so many significant digits, thousands separated: 318204 -> '318,200', 12.345 -> '12.3'. */
export function significant(value: number, digits: number): string {
  return value.toLocaleString('en-US', { maximumSignificantDigits: digits, useGrouping: true })
}

/** Records per second: four digits. */
export function rate(value: number): string {
  return significant(value, 4)
}

/** A ratio: three digits, and at least two decimals below ten so that 1.00 and 1.04 differ. */
export function times(value: number): string {
  return value < 9.995 ? value.toFixed(2) : significant(value, 3)
}

/** Milliseconds: three digits, never finer than a hundredth. */
export function milliseconds(value: number): string {
  return value < 9.995 ? value.toFixed(value < 0.995 ? 2 : 1) : significant(value, 3)
}

/** A whole number, thousands separated. */
export function count(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}

/** The wider half of an interval over its figure: 0.03 -> '3%'. '' without an interval. */
export function spread(value: number, interval: Interval | null | undefined): string {
  if (!interval || !(value > 0)) return ''
  const share = (100 * Math.max(interval.high - value, value - interval.low)) / value
  return `${share >= 0.95 ? significant(Math.round(share), 2) : share.toFixed(1)}%`
}

/** A length of time in words of at most two units: 75 -> '1 min 15 s'. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds))
  if (whole < 60) return `${whole} s`
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`
}
