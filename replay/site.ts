/** Sites: the stores of a session, each with the server that was started or found for it and what that promises. */
import { startServer } from '../stores/index.js'
import type { Durability, StoreFacts, StoreServer } from '../stores/store.js'
import type { Plan, PlannedStore } from './plan.js'

export interface Site {
  readonly server: StoreServer
  readonly durability: Durability
  /** Names it in tables and messages: the store's name, with its version where the session has several of the kind. */
  label: string
  /** Asked for when the session ends, with the tables still there. */
  facts: StoreFacts | undefined
}

/** What the servers of a session have in common. */
export type SitePlan = Pick<Plan, 'durability' | 'dataDirectory'>

/** Starts an embedded server, or connects to a given one, and probes what it promises. */
export async function openSite(store: PlannedStore, { durability, dataDirectory }: SitePlan): Promise<Site> {
  const server = await startServer({
    store: store.url === '' ? store.name : store.url,
    durability,
    ...(dataDirectory === null ? {} : { dataDirectory }),
  })
  try {
    return { server, durability: await server.durability(), label: server.store, facts: undefined }
  } catch (error) {
    await server.close()
    throw error
  }
}

/** Tells sites of the same kind apart by their versions, and by a number where that is the same too. */
export async function labelSites(sites: readonly Site[]): Promise<void> {
  for (const [kind, alike] of groupBy(sites, ({ server }) => server.store)) {
    if (alike.length === 1) continue
    for (const site of alike) {
      const version = /\d[\w.]*/.exec((await site.server.facts()).version)?.[0]
      site.label = version === undefined ? kind : `${kind} ${version}`
    }
    for (const [label, same] of groupBy(alike, (site) => site.label)) {
      if (same.length > 1) for (const [index, site] of same.entries()) site.label = `${label} (${index + 1})`
    }
  }
}

function groupBy<T>(items: readonly T[], key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) groups.set(key(item), [...(groups.get(key(item)) ?? []), item])
  return groups
}
