/** The source that a plan asks for: its spec, placed in time by the scenario, and how many records of it the run takes. */
import { openSource } from '../generators/open.js'
import { profileNamed } from '../generators/profiles.js'
import { spanTrouble } from '../generators/renderer.js'
import type { Source, StreamSpec } from '../generators/source.js'
import { scenarioNamed } from '../scenarios/index.js'
import { ScenarioError } from '../scenarios/scenario.js'
import type { Plan } from './plan.js'

/** Every run numbers its one source 1. */
const sourceNumber = 1

export interface PlannedSource {
  readonly source: Source
  /** Records of the full-speed leg; for a run limited by time, as many as there are. */
  readonly records: number
}

/** Opens the plan's source. Throws when an input file cannot be read; a ScenarioError for a stream beyond the years there are. */
export async function planSource(plan: Plan): Promise<PlannedSource> {
  const { length } = plan
  if (plan.input !== null) {
    const source = openSource({ kind: 'file', source: sourceNumber, path: plan.input, format: plan.format })
    const available = (await source.length()) ?? Number.MAX_SAFE_INTEGER
    return { source, records: Math.min(available, await wished(plan, source)) }
  }
  const { defaults } = profileNamed(plan.profile)
  const scenario = scenarioNamed(plan.scenario)
  const plain: StreamSpec = {
    kind: 'stream',
    source: sourceNumber,
    profile: plan.profile,
    seed: plan.seed,
    format: plan.format,
    ...defaults,
  }
  const shaped = (await scenario.shape?.(plain, plan)) ?? plain
  // The mean line does not depend on when the stream begins, so bytes become records before the scenario places it.
  const records = await wished(plan, openSource(shaped))
  const finite = length?.kind === 'duration' ? scenario.records : records
  const timing = scenario.timing({ startMs: plan.startMs, recordsPerDay: plan.recordsPerDay }, finite)
  const spec = { ...shaped, ...timing }
  const trouble = spanTrouble(spec, length?.kind === 'duration' ? null : records)
  if (trouble !== undefined) throw new ScenarioError(trouble)
  return { source: openSource(spec), records }
}

async function wished({ length }: Plan, source: Source): Promise<number> {
  if (length?.kind === 'records') return length.records
  if (length?.kind === 'bytes') return Math.max(1, Math.round(length.bytes / (await source.meanLineBytes())))
  return Number.MAX_SAFE_INTEGER
}
