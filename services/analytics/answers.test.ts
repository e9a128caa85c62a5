/** Postgres and ClickHouse answer every named question with what plain TypeScript computes from the lines themselves. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type Analytics, hitSteps, type TimeSpan, topFields } from '../../stores/analytics.js'
import { chunkOf, chunksOf, linesOf, streamOf } from '../../stores/postgres/servers.testing.js'
import { oddAddresses, oddLines } from './odd-lines.testing.js'
import { Reference, recordsOf } from './reference.testing.js'
import { type Kept, startable, storeWith } from './stores.testing.js'

// Crosses into February after some 10,000 records.
const first = 2_000
const chunks = [...(await chunksOf(streamOf(), first, 16_000)), chunkOf(oddLines, 0, 2)]
const records = [...recordsOf(linesOf(chunks.slice(0, -1)), 1, first, 'combined'), ...recordsOf(oddLines, 2, 0, 'combined')]
const reference = new Reference(records)

const at = (text: string) => Date.parse(`${text}Z`)
const spans: Readonly<Record<string, TimeSpan>> = {
  all: { fromMs: null, toMs: null },
  January: { fromMs: at('2026-01-01T00:00'), toMs: at('2026-02-01T00:00') },
  'from February': { fromMs: at('2026-02-01T00:00'), toMs: null },
  'the last second of January': { fromMs: at('2026-01-31T23:59:59'), toMs: at('2026-02-01T00:00') },
  'within seconds': { fromMs: at('2026-01-31T23:59:57.001'), toMs: at('2026-01-31T23:59:58.001') },
  'an hour over the border': { fromMs: at('2026-01-31T23:30'), toMs: at('2026-02-01T00:30') },
  'before everything': { fromMs: Date.UTC(1901, 0), toMs: 0 },
  'after everything': { fromMs: Date.UTC(9999, 0), toMs: null },
  nothing: { fromMs: at('2026-02-01T00:00'), toMs: at('2026-02-01T00:00') },
}
const everything = { limit: 100_000, offset: 0 }
const ofPages = [
  { limit: 1, offset: 0 },
  { limit: 7, offset: 0 },
  { limit: 7, offset: 7 },
  { limit: 100, offset: 1_000_000 },
]

const kept: Kept[] = []
const answerers: { readonly name: string; readonly analytics: Analytics }[] = []

test.before(async () => {
  for (const name of startable) {
    const store = await storeWith(name, chunks)
    kept.push(store)
    const analytics = await store.store.analytics()
    if (analytics === undefined) throw new Error(`${name} ought to answer: ${store.store.lacks.analytics}`)
    answerers.push({ name, analytics })
  }
})

test.after(async () => {
  for (const { analytics } of answerers) await analytics.close()
  for (const store of kept) await store.close()
})

/** The same question to every store and to the reference. */
async function alike(question: string, ask: (to: Analytics | Reference) => unknown): Promise<void> {
  const expected = await ask(reference)
  for (const { name, analytics } of answerers) assert.equal(await ask(analytics), expected, `${question}, ${name}`)
}

test('the lines to ask about have what the questions are about', () => {
  assert.ok(records.length > 16_000 && records.length < chunks.reduce((sum, { count }) => sum + count, 0))
  const logins = reference.logins({ fromMs: null, toMs: null }, everything)
  assert.ok(logins.some(({ failures, user }) => failures > 0 && user !== null))
  assert.ok(logins.filter(({ user }) => user !== null).length > logins.length / 2, "most of the stream's logins are named afterwards")
  assert.ok(records.some(({ bytes }) => bytes === null) && records.some(({ userAgent }) => userAgent === null))
})

for (const [name, span] of Object.entries(spans)) {
  test(`hits: ${name}`, async () => {
    for (const step of hitSteps) await alike(`by ${step}`, (to) => to.hits(span, step, everything))
  })
  test(`top: ${name}`, async () => {
    for (const field of topFields) await alike(field, (to) => to.top(field, span, everything))
  })
  test(`statuses, visitors, logins: ${name}`, async () => {
    await alike('statuses', (to) => to.statuses(span))
    await alike('visitors', (to) => to.visitors(span))
    await alike('logins', (to) => to.logins(span, everything))
  })
}

test('latest lines of an address, however it is written', async () => {
  const busiest = reference.top('address', { fromMs: null, toMs: null }, { limit: 3, offset: 0 }).map(({ value }) => value ?? '')
  for (const address of [...oddAddresses, ...busiest, '192.0.2.1', '10.9.8.7', '2001:db8:ffff::1']) {
    await alike(address, (to) => to.latest(address, { fromMs: null, toMs: null }, everything))
    await alike(address, (to) => to.latest(address, { fromMs: null, toMs: at('2026-02-01T00:00') }, { limit: 5, offset: 2 }))
  }
})

test('pages', async () => {
  const span = { fromMs: null, toMs: null }
  for (const page of ofPages) {
    await alike('hits', (to) => to.hits(span, 'minute', page))
    for (const field of topFields) await alike(field, (to) => to.top(field, span, page))
    await alike('latest', (to) => to.latest('198.51.100.7', span, page))
    await alike('logins', (to) => to.logins(span, page))
  }
})

test('both stores say the same, letter by letter', async () => {
  const span = { fromMs: null, toMs: null }
  const texts = await Promise.all(
    answerers.map(async ({ analytics }) =>
      JSON.stringify(
        [
          await analytics.hits(span, 'hour', everything),
          await analytics.top('path', span, everything),
          await analytics.latest('198.51.100.7', span, everything),
          await analytics.logins(span, everything),
        ],
        (_, value) => (typeof value === 'bigint' ? `${value}` : value),
      ),
    ),
  )
  for (const text of texts) assert.is(text, texts[0])
})

if (!startable.includes('clickhouse')) test.skip('the same from ClickHouse (needs chdb)', () => undefined)
test.run()
