/** Opens objects wherever they are kept. */
import { openFolder } from './folder.js'
import type { Objects } from './objects.js'
import { isUrl, parseS3Place } from './s3-place.js'

export interface ObjectsOptions {
  /** A folder, or s3://bucket/prefix?endpoint=...&region=... */
  readonly place: string
}

/** @throws Error that says what was wrong, where, and what to do: nothing can be kept there */
export async function openObjects({ place }: ObjectsOptions): Promise<Objects> {
  if (!isUrl(place)) return openFolder({ folder: place })
  const where = parseS3Place(place)
  // The client is large: who keeps objects in a folder need not wait for it.
  const { openS3 } = await import('./s3.js')
  return openS3(where)
}
