/** Pressure on the machine's disks: how long nothing could go on because everything waited for them (Linux: PSI). */
import { readText } from './proc.js'

/**
 * Milliseconds, since the machine began, in which every task that had something to do waited for a disk (kernel:
 * accounting/psi, the total of the line "full" of /proc/pressure/io). Null where the kernel keeps no such account.
 */
export function ioStalledMs(): number | null {
  const total = /^full .*total=(\d+)/m.exec(readText('/proc/pressure/io') ?? '')?.[1]
  return total === undefined ? null : Number(total) / 1000
}
