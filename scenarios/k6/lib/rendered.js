// Bodies that weir k6 has rendered beforehand, for a k6 without the extension. The ledger is made of the samples: weir_sent of
// what is on its way, weir_requests of what became of it; each has the request's number with it.
import exec from 'k6/execution'
import { open, SeekMode } from 'k6/experimental/fs'
import { Counter } from 'k6/metrics'

const sent = new Counter('weir_sent')

// One copy of each for all virtual users; a position of its own for each of them.
const bodies = open(__ENV['WEIR_BODIES'] || '')
// Where each body begins, and the last one ends: numbers of 64 bits, the lower bytes first.
const offsets = open(__ENV['WEIR_OFFSETS'] || '')

export class Supply {
  /**
   * The records that request `index` has.
   * @param {number} index
   * @param {number} _first
   * @returns {Promise<ArrayBuffer>}
   */
  async body(index, _first) {
    const bounds = new DataView(await read(await offsets, index * 8, 16))
    const [from, to] = [bounds.getFloat64(0, true), bounds.getFloat64(8, true)]
    return read(await bodies, from, to - from)
  }

  /** Milliseconds since the scenario's start, by the wall clock, which has whole ones. */
  sinceStartMs() {
    return Date.now() - exec.scenario.startTime
  }

  /**
   * Enters that the records of a request are on their way; what becomes of them is said by weir_requests.
   * @param {'sent' | 'accepted' | 'refused' | 'failed'} fate
   * @param {number} _first
   */
  note(fate, _first) {
    if (fate === 'sent') sent.add(1)
  }

  /** What was noted, of all virtual users; undefined where whoever reads the samples keeps the ledger. */
  noted() {
    return undefined
  }
}

/**
 * @param {import('k6/experimental/fs').File} file
 * @param {number} from
 * @param {number} bytes
 */
async function read(file, from, bytes) {
  await file.seek(from, SeekMode.Start)
  const buffer = new Uint8Array(bytes)
  if ((await file.read(buffer)) !== bytes) throw new Error(`there are no ${bytes} bytes from ${from} on in what was rendered`)
  return buffer.buffer
}
