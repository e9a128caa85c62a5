/** The registry of scenarios; the first is the default. */
import { hotShard } from './hot-shard.js'
import { lateData } from './late-data.js'
import { monthEnd } from './month-end.js'
import { retention } from './retention.js'
import type { Scenario } from './scenario.js'
import { steady } from './steady.js'

export const scenarios: readonly Scenario[] = [steady, monthEnd, retention, lateData, hotShard]

/** The scenario of that name; throws when there is none, which a plan made by the command line cannot hold. */
export function scenarioNamed(name: string): Scenario {
  const found = scenarios.find((scenario) => scenario.name === name)
  if (!found) throw new Error(`no scenario is called "${name}"`)
  return found
}
