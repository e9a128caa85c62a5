/** Targets against psql, and against the null store. */
import { availableParallelism } from 'node:os'
import { median } from '../../results/statistics.js'
import { isInstalled } from '../../stores/clickhouse/embedded.js'
import { startServer } from '../../stores/index.js'
import type { StoreServer } from '../../stores/store.js'
import { interleave, ratioText, thousands } from './interleave.js'
import { benchSource, psqlRate, readyMadeRows, targetCounters, targetRate, writerRate } from './table-setting.js'

export interface Bench {
  readonly server: StoreServer
  readonly scratch: string
}

const records = 1_000_000
const pairs = 7

async function against(
  name: string,
  connections: number,
  least: number,
  { server, scratch }: Bench,
  options: Readonly<Record<string, number>> = {},
): Promise<string> {
  const source = benchSource()
  const files = await readyMadeRows(source, records, connections, scratch)
  const seen = await interleave(
    { name, run: () => targetRate(server, source, records, { name, options }, scratch) },
    { name: 'psql', run: () => psqlRate(server, source, records, files) },
    pairs,
  )
  return `${name} end to end / psql \\copy of ready-made rows, ${connections} connection${connections === 1 ? '' : 's'}, ${thousands(records)} records: ${ratioText(seen)} (wanted: at least ${least})`
}

export function workerPoolBench(bench: Bench): Promise<string> {
  const workers = availableParallelism()
  return against('worker-pool', workers, 1, bench, { workers })
}

export function singleThreadBench(bench: Bench): Promise<string> {
  return against('single-thread', 1, 0.9, bench)
}

/** The same stream into the null store: at least three times as fast as into the fastest store. */
export async function nullBench({ server, scratch }: Bench): Promise<string> {
  const source = benchSource()
  const nothing = await startServer({ store: 'null', durability: 'power' })
  const clickhouse = isInstalled() ? await startServer({ store: 'clickhouse', durability: 'power' }) : undefined
  const lines: string[] = []
  try {
    for (const store of clickhouse === undefined ? [server] : [server, clickhouse]) {
      for (const name of ['single-thread', 'worker-pool']) {
        const seen = await interleave(
          { name: `${name} into null`, run: () => targetRate(nothing, source, records, { name }, scratch) },
          { name: `worker-pool into ${store.store}`, run: () => targetRate(store, source, records, { name: 'worker-pool' }, scratch) },
          5,
        )
        lines.push(
          `${name} into the null store (${thousands(median(seen.map(([ours]) => ours)))}/s) / worker-pool into ${store.store}: ${ratioText(seen)} (wanted: at least 3)`,
        )
      }
    }
  } finally {
    await clickhouse?.close()
  }
  return lines.join('\n')
}

/** COPY into leaf partitions that the client computes, against COPY through the parent: whole batches, one connection. */
export async function routingBench({ server }: Bench): Promise<string> {
  const source = benchSource()
  const side = (routed: boolean) => ({
    name: routed ? 'into leaves' : 'through the parent',
    run: () => writerRate(server, source, records, routed),
  })
  const seen = await interleave(side(true), side(false), pairs)
  return `one connection, COPY into leaves / through the parent: ${ratioText(seen)} (the default is the parent: see docs/adr/0005)`
}

/** How often a record's bytes are copied in user space between its rendering and the socket. */
export async function copiesBench({ server, scratch }: Bench): Promise<string> {
  const source = benchSource()
  const mean = await source.meanLineBytes()
  const lines: string[] = []
  for (const name of ['single-thread', 'worker-pool', 'multi-instance']) {
    const { copiedBytes = 0, copiedRecords = 1 } = await targetCounters(server, source, 200_000, { name }, scratch)
    const total = mean + copiedBytes / copiedRecords
    lines.push(
      `${name}: ${total.toFixed(0)} bytes copied for each record of ${mean.toFixed(0)} bytes, ${(total / mean).toFixed(2)} times its line`,
    )
  }
  return lines.join('\n')
}
