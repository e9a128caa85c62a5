/** Names that the registries hold, found or answered with the nearest right one: the command line's one door to them. */
import { profiles } from '../generators/profiles.js'
import { type Format, formats } from '../generators/record.js'
import type { PlannedStore } from '../replay/plan.js'
import { scenarios } from '../scenarios/index.js'
import type { Scenario } from '../scenarios/scenario.js'
import { stores } from '../stores/index.js'
import { defaultTargets, targets } from '../targets/index.js'
import type { TargetModule } from '../targets/target.js'
import { UsageError } from './errors.js'
import { unknown } from './suggest.js'

export { defaultTargets, profiles, scenarios, stores, targets }

function named<T extends { readonly name: string }>(what: string, name: string, known: readonly T[]): T {
  const found = known.find((item) => item.name === name)
  if (!found) {
    throw new UsageError(
      unknown(
        what,
        name,
        known.map((item) => item.name),
      ),
    )
  }
  return found
}

/** Targets from a list of names parted by commas, in the order given, each once. */
export function targetsNamed(text: string): readonly TargetModule[] {
  const names = text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
  if (names.length === 0) throw new UsageError(`name at least one target: ${targets.map(({ name }) => name).join(', ')}`)
  return [...new Set(names)].map((name) => named('target', name, targets))
}

export function scenarioNamed(text: string): Scenario {
  return named('scenario', text, scenarios)
}

export function profileNamed(text: string): string {
  return named('profile', text, profiles).name
}

export function formatNamed(text: string): Format {
  return named(
    'format',
    text,
    formats.map((name) => ({ name })),
  ).name
}

/** A store's name, or the URL of a server. */
export function storeNamed(text: string): PlannedStore {
  const scheme = /^[a-z][a-z0-9+.-]*:(?=\/\/)/i.exec(text)?.[0].toLowerCase()
  // What looks like a place with a password in it is not repeated.
  if (scheme === undefined && /[@=:]/.test(text))
    throw new UsageError('that is no store: write a name, or a URL such as postgres://user:password@host:5432/database')
  if (scheme === undefined) return { name: named('store', text, stores).name, url: '' }
  const store = stores.find(({ schemes }) => schemes.includes(scheme))
  if (!store) {
    throw new UsageError(
      unknown(
        'kind of store URL',
        scheme.replace(':', ''),
        stores.flatMap(({ schemes }) => schemes.map((known) => known.replace(':', ''))),
      ),
    )
  }
  if (!URL.canParse(text)) throw new UsageError('the store URL cannot be read; write postgres://user:password@host:5432/database')
  return { name: store.name, url: text }
}

/** Stores from a list of names and URLs parted by commas, each once. A comma in a URL is written %2C. */
export function storesNamed(text: string): readonly PlannedStore[] {
  const words = [...new Set(text.split(',').map((word) => word.trim()))].filter((word) => word !== '')
  if (words.length === 0) throw new UsageError(`name at least one store: ${stores.map(({ name }) => name).join(', ')}`)
  return words.map(storeNamed)
}

/** What is measured when nobody names stores: those that can be started here; only the first where their files are to stay in one folder. */
export function defaultStores(oneFolder: boolean): readonly PlannedStore[] {
  const here = stores.filter(({ measuredByDefault }) => measuredByDefault()).map(({ name }) => ({ name, url: '' }))
  return oneFolder ? here.slice(0, 1) : here
}

/** One of a few words. */
export function wordOf<const T extends string>(what: string, words: readonly T[]): (text: string) => T {
  return (text) =>
    named(
      what,
      text,
      words.map((name) => ({ name })),
    ).name
}
