/** What the engine is told when it is opened: durability, and the little that differs from what ClickHouse ships. */

export type Durability = 'power' | 'process'

export const engineUser = 'weir'

/** How many statements run at once; who comes then waits. Each may block two of libuv's threads (UV_THREADPOOL_SIZE). */
export const engineSessions = 24

/** Every insert, directory and merge on the disk before it counts: defaults of every MergeTree table. */
const fsyncs = ['fsync_after_insert', 'fsync_part_directory', 'min_rows_to_fsync_after_merge', 'min_compressed_bytes_to_fsync_after_merge']

/** The server's configuration, as a file for --config-file. */
export function configuration(durability: Durability): string {
  const mergeTree = durability === 'power' ? fsyncs.map((name) => `<${name}>1</${name}>`).join('') : ''
  return `<clickhouse><merge_tree>${mergeTree}</merge_tree></clickhouse>\n`
}

/** Settings of every session. */
export function sessionArguments(durability: Durability, file: string): readonly string[] {
  return [
    `--config-file=${file}`,
    // A table's definition is on the disk before it is said to exist (as shipped), or, as for its rows, is not waited for.
    `--fsync_metadata=${durability === 'power' ? 1 : 0}`,
    // A server takes only statements; an expression by itself is one to clickhouse-local.
    '--implicit_select=0',
    // The library has no queue for them and would insert at once all the same: what is probed shall be the truth.
    '--async_insert=0',
  ]
}
