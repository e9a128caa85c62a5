/** Cuts a stream of a given length into contiguous shares, by records. */

/** Share `index` of `count`, numbered from 1, of records 0 .. length: `3/3` is the last third. */
export function segment(length: number, index: number, count: number): { readonly first: number; readonly count: number } {
  if (!Number.isInteger(count) || count < 1 || !Number.isInteger(index) || index < 1 || index > count) {
    throw new Error(`segment ${index}/${count} does not exist; segments are numbered from 1/N to N/N`)
  }
  // The product may exceed 2^53.
  const start = (of: number) => Number((BigInt(of) * BigInt(length)) / BigInt(count))
  const first = start(index - 1)
  return { first, count: start(index) - first }
}
