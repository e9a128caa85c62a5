/** The number that the operating system knows a thread by, so that its CPU time can be told from that of the process. */
import { readlinkSync } from 'node:fs'
import { basename } from 'node:path'

/** Of the thread that calls; undefined where the system does not tell (no /proc). */
export function threadNumber(): number | undefined {
  try {
    const number = Number(basename(readlinkSync('/proc/thread-self')))
    return Number.isInteger(number) ? number : undefined
  } catch {
    return undefined
  }
}
