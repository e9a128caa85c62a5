/** Options of targets as settings: `--batch-records 1000` for every selected target that has it, `--single-thread.batch-records` for one. */
import type { PlannedTarget } from '../replay/plan.js'
import type { OptionSpec, OptionValue, TargetModule } from '../targets/target.js'
import { UsageError } from './errors.js'
import type { FlagShape } from './flags.js'
import { parseBytes, parseCount, parseMilliseconds, parseSwitch } from './quantities.js'
import { kebab, read, type Settings } from './settings.js'
import { unknown } from './suggest.js'

const placeholders = { count: 'N', milliseconds: 'MS', bytes: 'BYTES', word: 'WORD' } as const

/** An option by the name of its flag, with the targets that have it. */
export interface SharedOption {
  readonly key: string
  readonly targets: readonly { readonly target: string; readonly spec: OptionSpec }[]
}

/** Options of the targets, each name once. */
export function sharedOptions(targets: readonly TargetModule[]): readonly SharedOption[] {
  const byKey = new Map<string, { target: string; spec: OptionSpec }[]>()
  for (const { name, options } of targets) {
    for (const [key, spec] of Object.entries(options)) {
      const flag = kebab(key)
      byKey.set(flag, [...(byKey.get(flag) ?? []), { target: name, spec }])
    }
  }
  return [...byKey].map(([key, owners]) => ({ key, targets: owners }))
}

/** The flags of all targets' options, plain and dotted. */
export function targetFlags(targets: readonly TargetModule[]): Readonly<Record<string, FlagShape>> {
  const flags: Record<string, FlagShape> = {}
  for (const { key, targets: owners } of sharedOptions(targets)) {
    const allFlags = owners.every(({ spec }) => spec.type === 'flag')
    for (const { target, spec } of owners) flags[`${target}.${key}`] = shape(spec.type)
    flags[key] = shape(allFlags ? 'flag' : (owners.find(({ spec }) => spec.type !== 'flag')?.spec.type ?? 'count'))
  }
  return flags
}

function shape(type: OptionSpec['type']): FlagShape {
  return type === 'flag' ? { kind: 'switch' } : { kind: 'value', placeholder: placeholders[type] }
}

/** Values for every option of the selected targets. A flag that belongs to none of them is an error; in the environment or a file it is not. */
export function planTargets(selected: readonly TargetModule[], all: readonly TargetModule[], settings: Settings): readonly PlannedTarget[] {
  refuseForeignFlags(selected, all, settings)
  return selected.map(({ name, options }) => {
    const values: Record<string, OptionValue> = {}
    const asked: string[] = []
    for (const [key, spec] of Object.entries(options)) {
      const given = settings.find(`${name}.${kebab(key)}`, kebab(key))
      if (given) asked.push(key)
      values[key] = given ? read(given, (text) => parseOption(text, spec)) : spec.default
    }
    return { name, options: values, asked }
  })
}

function refuseForeignFlags(selected: readonly TargetModule[], all: readonly TargetModule[], settings: Settings): void {
  const names = selected.map(({ name }) => name)
  for (const { key, targets } of sharedOptions(all)) {
    const owners = targets.map(({ target }) => target)
    const candidates = [{ flag: key, owners }, ...owners.map((owner) => ({ flag: `${owner}.${key}`, owners: [owner] }))]
    for (const candidate of candidates) {
      if (settings.find(candidate.flag)?.layer !== 'flag' || candidate.owners.some((owner) => names.includes(owner))) continue
      throw new UsageError(`--${candidate.flag} is an option of ${candidate.owners.join(', ')}, not of ${names.join(', ')}`)
    }
  }
}

/** Reads the value of an option of a target and checks its limits. */
export function parseOption(text: string, spec: OptionSpec): OptionValue {
  if (spec.type === 'flag') return parseSwitch(text)
  if (spec.type === 'word') {
    if (spec.words?.includes(text) !== true) throw new UsageError(unknown('value', text, spec.words ?? []))
    return text
  }
  const parse = { count: parseCount, milliseconds: parseMilliseconds, bytes: parseBytes }[spec.type]
  const number = parse(text)
  if (spec.min !== undefined && number < spec.min) throw new UsageError(`"${text}" is too small: at least ${spec.min}`)
  if (spec.max !== undefined && number > spec.max) throw new UsageError(`"${text}" is too large: at most ${spec.max}`)
  return number
}
