/** Which format the lines of a log have: found by trying each on its first lines. */
import { fileSource } from './file.js'
import { Inspector } from './inspector.js'
import { type Format, formats } from './record.js'

/** How many of a log's first lines are records of each format. */
export interface FormatTrial {
  readonly lines: number
  readonly records: Readonly<Record<Format, number>>
}

/** @throws Error when the file cannot be read */
export async function tryFormats(path: string, most = 1000): Promise<FormatTrial> {
  const inspector = new Inspector()
  const records = { combined: 0, common: 0, json: 0 }
  const cursor = await fileSource({ kind: 'file', source: 1, path, format: 'combined' }).open(0)
  let lines = 0
  try {
    while (lines < most) {
      const chunk = await cursor.next(most - lines)
      if (chunk === undefined) break
      lines += chunk.count
      for (const format of formats) {
        const { count, rejects } = inspector.survey(chunk.lines, format)
        records[format] += count - rejects.length
      }
    }
  } finally {
    await cursor.close()
  }
  return { lines, records }
}
