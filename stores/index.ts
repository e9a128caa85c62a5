/** The registry of stores: adding one is its folder and a line in `kinds`. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { ClickHouseStore } from './clickhouse/clickhouse.js'
import { isInstalled } from './clickhouse/embedded.js'
import { ClickHouseServer } from './clickhouse/server.js'
import { StartedServer } from './clickhouse/started-server.js'
import { schemes as clickhouseSchemes } from './clickhouse/urls.js'
import { NullStore, nullServer } from './null/null.js'
import { EmbeddedServer } from './postgres/embedded.js'
import { GivenServer } from './postgres/given-server.js'
import { PostgresStore } from './postgres/postgres.js'
import type { Store, StoreAddress, StoreServer } from './store.js'
import { isUrl, redactUrl } from './url.js'

export interface ServerRequest {
  /** A store's name for an embedded server, or the URL of a given one. */
  readonly store: string
  /** What an embedded server is set to; a given one is probed. */
  readonly durability: 'power' | 'process'
  /** Where an embedded server keeps its files, which then stay; undefined: a throwaway folder. */
  readonly dataDirectory?: string
}

interface StoreKind {
  readonly name: string
  /** A sentence for `weir list`. */
  readonly summary: string
  /** Beginnings of URLs that lead to such a store. */
  readonly schemes: readonly string[]
  /** Records that the store likes to be given at once, where its users write otherwise than by logfiles of the published size. */
  readonly batchRecords?: number
  /** Time that it takes to read everything back and reconcile it, as a multiple of what writing it took one thread; 0: nothing can be read. */
  readonly auditTimes: number
  /** Whether a run that names no stores includes an embedded one: what it needs has to be installed. */
  measuredByDefault(): boolean
  /** What lies in a data directory of this store's, by its path there; absent: it has none. */
  readonly marks?: readonly string[]
  embedded(request: ServerRequest): Promise<StoreServer>
  given(url: string): Promise<StoreServer>
  open(address: StoreAddress): Store | Promise<Store>
}

const kinds: readonly StoreKind[] = [
  {
    name: 'postgres',
    summary: 'month ranges split by hash; embedded (Postgres 18), or any server from 15 on by URL',
    schemes: ['postgres:', 'postgresql:'],
    auditTimes: 0.55,
    measuredByDefault: () => true,
    marks: ['data/PG_VERSION'],
    embedded: (request) => EmbeddedServer.start(request),
    given: (url) => GivenServer.open(url),
    open: (address) => new PostgresStore(address),
  },
  {
    name: 'clickhouse',
    summary: 'a MergeTree by months; embedded where chdb is installed, or any server by the URL of its HTTP interface',
    schemes: clickhouseSchemes,
    batchRecords: 129_472,
    auditTimes: 1,
    measuredByDefault: isInstalled,
    marks: ['engine-power.xml', 'engine-process.xml'],
    embedded: (request) => StartedServer.start(request),
    given: (url) => ClickHouseServer.open(url),
    open: (address) => ClickHouseStore.open(address),
  },
  {
    name: 'null',
    summary: 'takes everything and keeps nothing: the ceiling',
    schemes: [],
    auditTimes: 0,
    measuredByDefault: () => false,
    embedded: async () => nullServer,
    given: async () => nullServer,
    open: (address) => new NullStore(address),
  },
]

/** Names, sentences and URL schemes of the stores, for help and for choosing. */
export const stores: readonly Pick<StoreKind, 'name' | 'summary' | 'schemes' | 'batchRecords' | 'auditTimes' | 'measuredByDefault'>[] =
  kinds

/**
 * Starts an embedded server, or connects to a given one.
 * @throws Error that says what was wrong, where, and what to do
 */
export async function startServer(request: ServerRequest): Promise<StoreServer> {
  const { store } = request
  const kind = isUrl(store)
    ? kinds.find(({ schemes }) => schemes.some((scheme) => store.startsWith(scheme)))
    : kinds.find(({ name }) => name === store)
  if (kind === undefined) throw new Error(`no store is called, or can be reached by, ${redactUrl(store)}`)
  if (isUrl(store)) return kind.given(store)
  const { dataDirectory } = request
  const owner = dataDirectory === undefined ? undefined : storeIn(dataDirectory)
  if (owner !== undefined && owner !== kind.name) {
    throw new Error(`${dataDirectory} is a data directory of ${owner}, not of ${kind.name}: name --store ${owner}, or another --data`)
  }
  return kind.embedded(request)
}

/** Which store's embedded server keeps its files in a data directory; undefined when none has yet. */
export function storeIn(dataDirectory: string): string | undefined {
  return kinds.find(({ marks = [] }) => marks.some((mark) => existsSync(join(dataDirectory, mark))))?.name
}

/** Opens one run's tables, in whatever thread or process needs them. Connections are made when first used. */
export async function openStore(address: StoreAddress): Promise<Store> {
  const kind = kinds.find(({ name }) => name === address.store)
  if (kind === undefined) throw new Error(`there is no store ${address.store}`)
  return kind.open(address)
}
