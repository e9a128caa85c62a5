/** How fast the audit reads a store back and reconciles it, against only reading the same rows. */
import { randomBytes } from 'node:crypto'
import { audit } from '../../replay/audit.js'
import { median } from '../../results/statistics.js'
import { PostgresStore } from '../../stores/postgres/postgres.js'
import { interleave, ratioText, thousands } from './interleave.js'
import type { Bench } from './stores.js'
import { benchSource, layout, writeRows } from './table-setting.js'

const records = 1_000_000
const pairs = 5

export async function auditBench({ server }: Bench): Promise<string> {
  const source = benchSource()
  const schema = `weir_bench_${randomBytes(4).toString('hex')}`
  const store = new PostgresStore({ store: server.store, url: server.url, schema, layout, format: 'combined' })
  const timed = async (work: () => Promise<unknown>) => {
    const begin = performance.now()
    await work()
    return (records * 1000) / (performance.now() - begin)
  }
  const fates = { source: 1, offered: { from: 0, to: records }, excluded: [], refused: [], failed: [] }
  try {
    await writeRows(store, source, records, false)
    const seen = await interleave(
      {
        name: 'audit',
        run: () =>
          timed(async () => {
            const report = await audit({ scanner: store.scanner, source, fates, layout, format: 'combined' })
            if (report.audit.stored !== records || report.findings.length > 0) throw new Error('the audit found something')
          }),
      },
      {
        name: 'reading alone',
        run: () =>
          timed(async () => {
            let bytes = 0
            for await (const block of store.scanner.rows()) bytes += block.bytes.length
            if (bytes < records * 100) throw new Error('rows are missing')
          }),
      },
      pairs,
    )
    const rate = median(seen.map(([ours]) => ours))
    return `audit of ${thousands(records)} rows: ${thousands(rate)} rows/s, median of ${pairs} (wanted: at least 500,000); audit / reading the rows alone: ${ratioText(seen)}`
  } finally {
    await store.drop()
    await store.close()
  }
}
