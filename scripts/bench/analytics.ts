/** What each analytics question costs on a million rows, on each store: times as ratios to the plainest scan, and store against store. */
import { randomBytes } from 'node:crypto'
import { streamSource } from '../../generators/stream.js'
import { median } from '../../results/statistics.js'
import type { Analytics, TimeSpan } from '../../stores/analytics.js'
import { openStore, startServer, stores } from '../../stores/index.js'

const records = 1_000_000
const days = 60
const startMs = Date.UTC(2026, 0, 1)
const rounds = 7
const chunkRecords = 32_368
const page = { limit: 100, offset: 0 }

const spans: Readonly<Record<string, TimeSpan>> = {
  all: { fromMs: null, toMs: null },
  'a month': { fromMs: Date.UTC(2026, 1), toMs: Date.UTC(2026, 2) },
  'an hour': { fromMs: Date.UTC(2026, 1, 3, 12), toMs: Date.UTC(2026, 1, 3, 13) },
}

type Question = (analytics: Analytics, span: TimeSpan) => Promise<unknown>

/** The first is what the others are compared with. */
function questionsAbout(address: string): Readonly<Record<string, Question>> {
  return {
    statuses: (to, span) => to.statuses(span),
    'hits by hour': (to, span) => to.hits(span, 'hour', page),
    'top paths': (to, span) => to.top('path', span, page),
    'top addresses': (to, span) => to.top('address', span, page),
    'top agents': (to, span) => to.top('agent', span, page),
    visitors: (to, span) => to.visitors(span),
    latest: (to, span) => to.latest(address, span, page),
    logins: (to, span) => to.logins(span, page),
  }
}

/** Milliseconds of each question on each span, by 'question, span'. */
async function timesOn(name: string): Promise<ReadonlyMap<string, number>> {
  const server = await startServer({ store: name, durability: 'process' })
  try {
    const layout = server.layoutOf({ partitionKey: 'id', partitions: 4 })
    const schema = `weir_bench_${randomBytes(6).toString('hex')}`
    const store = await openStore({ store: server.store, url: server.url, schema, layout, format: 'combined' })
    const spec = {
      kind: 'stream',
      source: 1,
      profile: 'web',
      seed: '1',
      format: 'combined',
      startMs,
      recordsPerDay: Math.ceil(records / days),
    } as const
    const source = streamSource(spec)
    await store.prepare({ kind: 'rows', keeps: 'all' }, (await source.months(0, records)) ?? [])
    const writer = await store.writer()
    const cursor = await source.open(0)
    while (cursor.position < records) {
      const first = cursor.position
      const made = await cursor.next(Math.min(chunkRecords, records - first))
      if (made === undefined) break
      await writer.write([{ source: 1, first, ...made }])
    }
    await writer.close()
    await server.settle()

    const analytics = await store.analytics()
    if (analytics === undefined) throw new Error(`${name} answers no questions`)
    const [busiest] = await analytics.top('address', { fromMs: null, toMs: null }, { limit: 1, offset: 0 })
    const questions = Object.entries(questionsAbout(busiest?.value ?? ''))
    const times = new Map<string, number[]>()
    // Round by round, so that a slow minute is everybody's; the first, which warms caches, does not count.
    for (let round = 0; round <= rounds; round++) {
      for (const [span, within] of Object.entries(spans)) {
        for (const [question, ask] of questions) {
          const began = performance.now()
          await ask(analytics, within)
          const key = `${question}, ${span}`
          if (round > 0) times.set(key, [...(times.get(key) ?? []), performance.now() - began])
        }
      }
    }
    await analytics.close()
    await store.close()
    return new Map([...times].map(([key, values]) => [key, median(values)]))
  } finally {
    await server.close()
  }
}

/** A row for each question: its time over that of the statuses of everything on the same store, then Postgres' over ClickHouse's. */
export async function analyticsBench(): Promise<string> {
  const names = stores.filter(({ name, measuredByDefault }) => name !== 'null' && measuredByDefault()).map(({ name }) => name)
  const times: ReadonlyMap<string, number>[] = []
  for (const name of names) times.push(await timesOn(name))
  const [first] = times
  const keys = [...(first?.keys() ?? [])].sort()
  const plainest = 'statuses, all'
  const ratio = (a: number | undefined, b: number | undefined) => (Number(a) / Number(b)).toFixed(2).padStart(8)
  const lines = keys.map((key) => {
    const own = times.map((of) => ratio(of.get(key), of.get(plainest)))
    return `${key.padEnd(28)}${own.join('    ')}${times.length > 1 ? `    ${ratio(times[0]?.get(key), times[1]?.get(key))}` : ''}`
  })
  const absolute = names.map((name, i) => `${name} ${times[i]?.get(plainest)?.toFixed(1)} ms`).join(', ')
  return [
    `analytics on ${records.toLocaleString('en')} rows over ${days} days, medians of ${rounds}; ${plainest}: ${absolute}`,
    `${''.padEnd(28)}${names.map((name) => name.padStart(8)).join('  ')}${names.length > 1 ? `  ${names.slice(0, 2).join(' / ')}` : ''}`,
    ...lines,
  ].join('\n')
}
