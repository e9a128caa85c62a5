/** A row of figures as a row of signs, so that a history fits a table's cell. */

const blocks = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█']
const plain = ['_', '.', '-', '=', '+', '*', '#', '@']

/**
 * One sign for each value, from the smallest to the largest; of more values than `width` the means of as many groups of
 * neighbours. Equal values are all in the middle. Empty without values.
 * @param tty whether the signs may be block elements; else they are ASCII.
 */
export function sparkline(values: readonly number[], { tty, width = 40 }: { readonly tty: boolean; readonly width?: number }): string {
  const shown = condensed(values, width)
  const low = Math.min(...shown)
  const range = Math.max(...shown) - low
  const signs = tty ? blocks : plain
  return shown.map((value) => signs[range > 0 ? Math.round(((value - low) / range) * (signs.length - 1)) : 3]).join('')
}

function condensed(values: readonly number[], width: number): readonly number[] {
  if (values.length <= width) return values
  return Array.from({ length: width }, (_, i) => {
    const group = values.slice(Math.floor((i * values.length) / width), Math.floor(((i + 1) * values.length) / width))
    return group.reduce((sum, value) => sum + value, 0) / group.length
  })
}
