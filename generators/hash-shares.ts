/** Which share of a stream falls to each of N partitions, or servers, that are chosen by the hash of a column. */
import { Encoder, minArenaBytes } from './encoder.js'
import type { PartitionKey, Range } from './record.js'
import { blockRecords } from './renderer.js'
import type { HotKey, HotValue, Source, StreamSpec } from './source.js'
import { streamSource } from './stream.js'

/** Blocks that a stream is sampled by, and how far apart they lie. */
const sampledBlocks = 24
const blocksApart = 9_973
const chunkRecords = 4096
const arenaBytes = 4 * minArenaBytes

/**
 * Shares of the records in these ranges, by the remainder of the key's hash: Postgres' own, as the kernel computes it.
 * Nothing is asked of a store, so this also says what the servers behind a ClickHouse Distributed table would get, whose
 * hash is another: one value's records stay together under any hash. All zeros when nothing parses.
 */
export async function hashShares(
  source: Source,
  ranges: readonly Pick<Range, 'first' | 'count'>[],
  partitionKey: PartitionKey,
  partitions: number,
): Promise<readonly number[]> {
  const encoder = new Encoder({ format: source.spec.format, partitionKey, partitions, arenaBytes, arenas: 1 })
  const rows = new Array<number>(partitions).fill(0)
  const take = () => {
    for (const leaf of encoder.leaves(0)) rows[leaf.remainder] = (rows[leaf.remainder] ?? 0) + leaf.rows
    encoder.begin(0)
  }
  for (const { first, count } of ranges) {
    const cursor = await source.open(first)
    try {
      while (cursor.position < first + count) {
        const at = cursor.position
        const made = await cursor.next(Math.min(chunkRecords, first + count - at))
        if (made === undefined || made.count === 0) break
        const chunk = { source: source.spec.source, first: at, ...made }
        for (let done = 0; done < chunk.count; ) {
          const { lines, full, unknownMonth } = encoder.encode(0, chunk, done)
          done += lines
          if (unknownMonth !== undefined) encoder.addMonth(unknownMonth)
          if (full) take()
        }
      }
    } finally {
      await cursor.close()
    }
  }
  take()
  const total = rows.reduce((sum, count) => sum + count, 0)
  return rows.map((count) => (total === 0 ? 0 : count / total))
}

const sample = Array.from({ length: sampledBlocks }, (_, i) => ({ first: i * blocksApart * blockRecords, count: blockRecords }))

/**
 * The hot value that gives its partition the wished share of a stream's rows. Everybody else's records still fall to that
 * partition too, so the value itself gets less: of p partitions about (share - 1/p) / (1 - 1/p), exactly what is measured.
 * @throws RangeError when the partition has more than that already
 */
export async function hotValue(plain: StreamSpec, key: HotKey, partitions: number, share: number): Promise<HotValue> {
  const { late: _late, hot: _hot, ...spec } = plain
  const [others, alone] = await Promise.all([
    hashShares(streamSource(spec), sample, key, partitions),
    hashShares(streamSource({ ...spec, hot: { key, share: 1 } }), [{ first: 0, count: 100 }], key, partitions),
  ])
  const own = others[alone.indexOf(1)] ?? 0
  if (share < own) {
    const percent = (part: number) => `${(part * 100).toFixed(1)}%`
    throw new RangeError(
      `a hot share of ${percent(share)} is less than the ${percent(own)} that this partition has without a hot value: ask for more, or for more --partitions`,
    )
  }
  // Rounded, so that the workload that is hashed does not hang on the last bit.
  return { key, share: own >= 1 ? 0 : Math.round(((share - own) / (1 - own)) * 1e6) / 1e6 }
}
