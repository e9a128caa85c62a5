/** Opens any source from its spec. */
import { fileSource } from './file.js'
import type { Source, SourceSpec } from './source.js'
import { streamSource } from './stream.js'

/** @throws when a stream's spec is out of range; a file that cannot be read throws when it is first read. */
export function openSource(spec: SourceSpec): Source {
  return spec.kind === 'stream' ? streamSource(spec) : fileSource(spec)
}
