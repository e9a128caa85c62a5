/** Opens the answerer of a run on a ClickHouse server: a client of its own, with no more connections than questions at once. */
import { createClient } from '@clickhouse/client'
import { type Analytics, patienceMs, questionsAtOnce } from '../analytics.js'
import type { StoreAddress } from '../store.js'
import { ClickHouseAnalytics } from './analytics.js'
import { explain, noUrl } from './errors.js'
import { httpUrl } from './urls.js'

/** Above the server's own limit: for a server that does not answer at all. */
const silenceMs = patienceMs + 5_000
/** Below the 3 s after which old servers close an idle connection. */
const idleMs = 1_500

/** @throws ClickHouseStoreError for what is no URL of a server */
export async function openAnalytics({ url, schema }: Pick<StoreAddress, 'url' | 'schema'>): Promise<Analytics> {
  try {
    const client = createClient({
      url: httpUrl(url),
      application: 'weir analytics',
      request_timeout: silenceMs,
      max_open_connections: questionsAtOnce,
      keep_alive: { enabled: true, idle_socket_ttl: idleMs, eagerly_destroy_stale_sockets: true },
      // Whoever catches the error prints it; the client would do so as well.
      log: { level: 127 },
    })
    return new ClickHouseAnalytics({ client, database: schema, explain: (error) => explain(error, url) })
  } catch (error) {
    throw noUrl(error, url)
  }
}
