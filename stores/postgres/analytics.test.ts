/** What the questions cost Postgres, and that every version answers them: months outside the span are not even opened. */

import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { topFields } from '../analytics.js'
import { PostgresAnalytics } from './analytics.js'
import { hitsQuery, latestQuery, loginsQuery, statusesQuery, topQuery, visitorsQuery } from './analytics-sql.js'
import { chunkOf, onServers } from './servers.testing.js'

const seconds = (text: string) => Date.parse(`${text}Z`) / 1000
const page = [10, 0]

onServers('a question opens the months of its span and no others', async (ground) => {
  const store = await ground.run({ months: ['2026-01', '2026-02', '2026-03', '2026-04'] })
  const { schema } = store.address
  const client = await ground.client()
  const queries: readonly (readonly [string, readonly unknown[]])[] = [
    [hitsQuery(schema), ['1 hour', ...page]],
    ...topFields.map((field) => [topQuery(schema, field), page] as const),
    [statusesQuery(schema), []],
    [visitorsQuery(schema), []],
    [latestQuery(schema), [['192.0.2.1'], ...page]],
    [loginsQuery(schema), page],
  ]
  for (const [text, values] of queries) {
    const { rows } = await client.query({
      text: `EXPLAIN ${text}`,
      values: [seconds('2026-02-03T00:00'), seconds('2026-03-01T00:00'), ...values],
    })
    const plan = JSON.stringify(rows)
    assert.match(plan, /row_2026_02_p0/)
    // Logins may be named by the day after.
    assert.is(/row_2026_03/.test(plan), text === loginsQuery(schema))
    assert.not.match(plan, /row_2026_0[14]/)
  }
})

onServers('it answers on connections that can only read, and gives them back', async (ground) => {
  const store = await ground.run()
  const writer = ground.closing(await store.writer())
  await writer.write([chunkOf(['192.0.2.1 - - [31/Jan/2026:12:00:00 +0000] "POST /login HTTP/1.1" 401 7 "-" "-"'])])
  const analytics = ground.closing(new PostgresAnalytics(store.address))
  const span = { fromMs: null, toMs: null }
  const all = { limit: 10, offset: 0 }
  assert.equal(await analytics.hits(span, 'day', all), [{ atMs: Date.UTC(2026, 0, 31), hits: 1, bytes: 7 }])
  for (const field of topFields) assert.is((await analytics.top(field, span, all)).length, 1)
  assert.equal(await analytics.statuses(span), [{ status: 401, hits: 1 }])
  assert.is(await analytics.visitors(span), 1)
  assert.is((await analytics.latest('192.0.2.1', span, all))[0]?.userAgent, null)
  assert.equal(await analytics.logins(span, all), [
    { user: null, location: '192.0.0.0/16', logins: 1, failures: 1, lastMs: Date.UTC(2026, 0, 31, 12) },
  ])
  const client = await ground.client()
  const { rows } = await client.query(
    `SELECT count(*)::int AS writing FROM pg_stat_activity WHERE application_name = 'weir analytics' AND state <> 'idle'`,
  )
  assert.equal(rows, [{ writing: 0 }])
})

test.run()
