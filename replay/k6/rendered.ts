/** Bodies for a k6 that cannot render lines: all of them in one file, and in another where each begins. */
import { open, statfs, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Source } from '../../generators/source.js'
import { UnsupportedError } from '../session.js'
import { k6Remedy } from './binary.js'
import type { RequestSchedule } from './schedule.js'

/** At most this much is rendered, bytes. k6 keeps one copy of it; while it reads that, it took 4.4 times as much (v1.8.1, 400 MB). */
export const renderedLimit = 250e6
/** Records that are rendered at once. */
const blockRecords = 10_000
const newline = 10

export interface RenderRequest {
  readonly source: Source
  readonly schedule: Pick<RequestSchedule, 'planned' | 'each'>
  /** Of the run's own. */
  readonly folder: string
  readonly signal: AbortSignal
}

export interface RenderedBodies {
  readonly bytes: number
  /** The script's, by which it finds them. */
  readonly variables: { readonly bodies: string; readonly offsets: string }
}

/**
 * Renders the records of all requests, in order; stops early when aborted.
 * @throws UnsupportedError when they are more than `renderedLimit`, or than the disk has room for
 */
export async function renderBodies({ source, schedule, folder, signal }: RenderRequest): Promise<RenderedBodies> {
  const { planned, each } = schedule
  const records = planned * each
  await refuseTooMuch(records * (await source.meanLineBytes()) + 8 * planned, folder)
  const variables = { bodies: join(folder, 'bodies'), offsets: join(folder, 'offsets') }
  const offsets = new DataView(new ArrayBuffer((planned + 1) * 8))
  const file = await open(variables.bodies, 'w')
  const cursor = await source.open(0)
  let bytes = 0
  try {
    for (let done = 0; done < records && !signal.aborted; ) {
      const block = await cursor.next(Math.min(blockRecords, records - done))
      if (block === undefined) throw new Error(`the source ended after ${done} records`)
      await file.writeFile(block.lines)
      for (let end = 0; end < block.lines.length; ) {
        end = block.lines.indexOf(newline, end) + 1
        done++
        if (done % each === 0) offsets.setFloat64((done / each) * 8, bytes + end, true)
      }
      bytes += block.lines.length
    }
  } finally {
    await cursor.close()
    await file.close()
  }
  await writeFile(variables.offsets, new Uint8Array(offsets.buffer))
  return { bytes, variables }
}

async function refuseTooMuch(bytes: number, folder: string): Promise<void> {
  const { bavail, bsize } = await statfs(folder)
  const room = bavail * bsize
  if (bytes <= renderedLimit && bytes <= room) return
  const bound =
    bytes > renderedLimit
      ? `at most ${inGigabytes(renderedLimit)} are, since k6 reads them into memory`
      : `the temporary folder has room for ${inGigabytes(room)}`
  throw new UnsupportedError(
    `a k6 without k6/x/weir needs ${inGigabytes(bytes)} of lines rendered beforehand, and ${bound}: send fewer (--rate, --duration, --submissions), or have the extension: ${k6Remedy}`,
  )
}

function inGigabytes(bytes: number): string {
  return `${(bytes / 1e9).toPrecision(3)} GB`
}
