/** Refusals of what contradicts itself: a flag that would be ignored is an error, a variable or a key of the file is meant for other commands too. */
import type { PlannedStore } from '../replay/plan.js'
import { UsageError } from './errors.js'
import type { Settings } from './settings.js'

/** @throws UsageError when the folder of an embedded server is given and there is none */
export function refuseSecondPlace(stores: readonly PlannedStore[], settings: Settings): void {
  if (stores.every(({ url }) => url !== ''))
    refuseGiven(settings, ['data'], 'is the folder of an embedded server; a store given by URL keeps its own')
}

/** @throws UsageError that names a flag which would be ignored */
export function refuseGiven(settings: Settings, names: readonly string[], why: string): void {
  const given = names.map((key) => settings.find(key)).find((one) => one?.layer === 'flag')
  if (given !== undefined) throw new UsageError(`${given.origin} ${why}`)
}
