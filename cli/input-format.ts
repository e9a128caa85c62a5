/** The format of a log that is replayed: the one that was named, or else the one that its first lines have. */
import { type FormatTrial, tryFormats } from '../generators/file-format.js'
import { type Format, formats } from '../generators/record.js'
import { UsageError } from './errors.js'

/**
 * @param asked what was named; undefined: nothing
 * @param notice told where a reader would expect something else
 * @throws UsageError when nothing was named and no line is a record of any format
 */
export async function formatOfInput(path: string, asked: Format | undefined, notice: (text: string) => void): Promise<Format> {
  // Whoever reads the file next says what is wrong with it.
  const trial = await tryFormats(path).catch(() => undefined)
  const found = trial && likeliest(trial)
  if (trial === undefined || found === undefined || trial.lines === 0) return asked ?? 'combined'
  const { lines, records } = trial
  const first = `of the first ${lines.toLocaleString('en-US')} lines of ${path}`
  const known = formats.join(', ')
  if (asked === undefined) {
    if (records[found] === 0)
      throw new UsageError(`none ${first} is a record of a known format (${known}); --format NAME has them rejected one by one`)
    if (found !== 'combined')
      notice(`${records[found].toLocaleString('en-US')} ${first} are of the ${found} format: taken as --format ${found}`)
    return found
  }
  if (records[asked] < records[found]) {
    notice(
      `${records[asked].toLocaleString('en-US')} ${first} are of the ${asked} format, ${records[found].toLocaleString('en-US')} of the ${found} format: --format ${found}?`,
    )
  }
  return asked
}

/** The format with the most records; of equals the first. */
function likeliest({ records }: FormatTrial): Format {
  return formats.reduce((best, format) => (records[format] > records[best] ? format : best))
}
