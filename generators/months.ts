/** Months as the kernel counts them, from 1970-01 to 2099-12, and as people write them. */

const firstYear = 1970

/** How many there are. */
export const monthCount = (2099 - firstYear + 1) * 12

/** Months since 1970-01. Throws unless it is 'YYYY-MM' of 1970 to 2099. */
export function monthIndex(month: string): number {
  const match = /^(\d{4})-(0[1-9]|1[0-2])$/.exec(month)
  const index = match ? (Number(match[1]) - firstYear) * 12 + Number(match[2]) - 1 : -1
  if (index < 0 || index >= monthCount) throw new RangeError(`'${month}' is not a month from 1970-01 to 2099-12`)
  return index
}

/** 'YYYY-MM' of a month since 1970-01. */
export function monthName(index: number): string {
  return `${firstYear + Math.floor(index / 12)}-${String((index % 12) + 1).padStart(2, '0')}`
}
