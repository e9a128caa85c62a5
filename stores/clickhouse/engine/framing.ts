/**
 * Data with an end that can be told from a cut: an LZ4 frame of uncompressed blocks. A pipe whose writer goes away looks to
 * its reader like one whose data are complete; so data that break off end with a block that cannot be, and the engine knows
 * that they are not complete, whatever the format.
 * https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md
 */
import { Transform } from 'node:stream'

/** Magic number; version 1, independent blocks, no checksums; blocks of up to 4 MiB; the checksum of these two. */
const frameHeader = Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x60, 0x70, 0x73])
const endMark = Buffer.alloc(4)
/** The header of a block that is larger than blocks can be: a reader must fail. */
const brokenMark = Buffer.from([0xff, 0xff, 0xff, 0x7f])
const maxBlockBytes = 4 << 20
const uncompressed = 0x8000_0000

/**
 * Frames what is written to it. Bytes are passed on, not copied.
 * @param whole asked at the end: whether that is the end of the data, or they broke off
 */
export function framing(whole: () => boolean): Transform {
  let begun = false
  const begin = (stream: Transform) => {
    if (!begun) stream.push(frameHeader)
    begun = true
  }
  return new Transform({
    readableHighWaterMark: 1 << 18,
    transform(chunk: Buffer, _encoding, callback) {
      begin(this)
      for (let at = 0; at < chunk.length; at += maxBlockBytes) {
        const block = chunk.subarray(at, at + maxBlockBytes)
        const header = Buffer.allocUnsafe(4)
        header.writeUInt32LE((uncompressed + block.length) >>> 0)
        this.push(header)
        this.push(block)
      }
      callback()
    },
    flush(callback) {
      begin(this)
      this.push(whole() ? endMark : brokenMark)
      callback()
    },
  })
}
