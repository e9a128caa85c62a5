/** Flags that belong to single scenarios: `--late-share` to late-data, `--hot-share` to hot-shard, `--keep-months` to retention. */
import type { Scenario, ScenarioParameters } from '../scenarios/scenario.js'
import { scenarios } from './catalogue.js'
import { type Values, value } from './command.js'
import { UsageError } from './errors.js'
import { parsePositiveCount, parseShare } from './quantities.js'
import type { Settings } from './settings.js'

export const scenarioOptions = {
  'late-share': value({
    placeholder: 'SHARE',
    summary: 'late-data: records from months before (2%)',
    rare: true,
    parse: parseShare,
  }),
  'hot-share': value({
    placeholder: 'SHARE',
    summary: 'hot-shard: rows that one hash partition takes (50%)',
    rare: true,
    parse: parseShare,
  }),
  'keep-months': value({
    placeholder: 'N',
    summary: 'retention: months that stay, the one being written included (2)',
    rare: true,
    parse: parsePositiveCount,
  }),
}

/** Hash partitions of a month unless told otherwise. */
export const defaultPartitions = 4

const parameters = { 'late-share': 'lateShare', 'hot-share': 'hotShare', 'keep-months': 'keepMonths' } as const
const flags = Object.keys(parameters) as (keyof typeof parameters)[]

/**
 * The scenario's parameters: what was said, and its own values for the rest. A variable or a configuration file may hold
 * those of other scenarios, a command line may not.
 * @throws UsageError for a flag of another scenario
 */
export function scenarioParameters(scenario: Scenario, values: Values<typeof scenarioOptions>, settings: Settings): ScenarioParameters {
  const chosen: { -readonly [K in keyof ScenarioParameters]: ScenarioParameters[K] } = { ...scenario.parameters }
  for (const flag of flags) {
    const said = values[flag]
    if (said === undefined) continue
    const name = parameters[flag]
    if (scenario.parameters?.[name] !== undefined) chosen[name] = said
    else if (settings.find(flag)?.layer === 'flag') {
      const owners = scenarios.filter((other) => other.parameters?.[name] !== undefined).map((other) => other.name)
      throw new UsageError(`--${flag} belongs to the scenario ${owners.join(' or ')}, not to ${scenario.name}`)
    }
  }
  return chosen
}
