/** Refuses numbers that an option cannot have. */

/** Throws a RangeError that names the option unless its value is a whole number from `min` to `max`. */
export function requireWhole(name: string, value: number, min: number, max: number): void {
  if (!Number.isSafeInteger(value) || value < min || value > max) {
    throw new RangeError(`${name} must be a whole number from ${min} to ${max}, not ${value}`)
  }
}
