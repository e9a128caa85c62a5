/** Words for arrivals, from the command line to their one form. */
import { ArrivalsError, arrivalKinds, parseArrivals, sayArrivals } from '../replay/arrivals/words.js'
import { UsageError } from './errors.js'
import { unknown } from './suggest.js'

/** @throws UsageError that names the nearest kind, or says how the words of this kind are written */
export function arrivalsNamed(text: string): string {
  const [kind = ''] = text.trim().split(':')
  const kinds = arrivalKinds.map(({ name }) => name)
  if (!kinds.some((known) => known === kind)) throw new UsageError(unknown('kind of arrivals', kind, kinds))
  try {
    return sayArrivals(parseArrivals(text))
  } catch (error) {
    throw error instanceof ArrivalsError ? new UsageError(error.message) : error
  }
}
