/** The k6 scripts that Weir brings: what each sends where, and what it does unless told otherwise (scenarios/k6/defaults.json, which they read too). */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** The package's own folder of scripts: they are run as they are, not compiled. */
const folder = new URL('../../../scenarios/k6/', import.meta.url)

/** What can be set, by the name of its variable: `rate` is WEIR_RATE. */
export const settingNames = [
  'rate',
  'peak',
  'burst',
  'every',
  'submissions',
  'questions',
  'lines',
  'duration',
  'connections',
  'p99',
] as const
export type SettingName = (typeof settingNames)[number]

export interface K6Script {
  readonly name: string
  readonly summary: string
  readonly path: string
  /** The services that it needs. */
  readonly sends: 'lines' | 'questions' | 'both'
  /** As people write them; a setting that is not here means nothing to the script. */
  readonly defaults: { readonly [name in SettingName]?: string }
}

type Found = Readonly<Record<string, K6Script['defaults'] & { readonly summary: string }>>

/** A build without the package around it, such as a gate may be given, has none. */
function read(): Found {
  try {
    return JSON.parse(readFileSync(new URL('defaults.json', folder), 'utf8')) as Found
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {}
    throw error
  }
}

export const k6Scripts: readonly K6Script[] = Object.entries(read()).map(([name, { summary, ...defaults }]) => ({
  name,
  summary,
  path: fileURLToPath(new URL(`${name}.js`, folder)),
  sends: defaults.questions === undefined ? 'lines' : defaults.lines === undefined ? 'questions' : 'both',
  defaults,
}))
