/** Reads a command line with yargs, strictly: every word is an option, an option's value or a place that the command knows. */
import yargs from 'yargs'
import { UsageError } from './errors.js'
import { parseSwitch } from './quantities.js'
import type { Given, Layer } from './settings.js'
import { unknown } from './suggest.js'

/** What the reader has to know of an option. */
export interface FlagShape {
  readonly kind: 'value' | 'switch'
  readonly alias?: string
  readonly placeholder?: string
}

/**
 * The settings of a command line. `positionals` are keys of options that may be given by place.
 * Throws a UsageError for unknown flags (with the nearest), missing values, and options given twice.
 */
export function flagLayer(
  words: readonly string[],
  options: Readonly<Record<string, FlagShape>>,
  positionals: readonly string[],
  command: string,
): Layer {
  const byName = new Map<string, string>()
  for (const [key, option] of Object.entries(options)) {
    byName.set(key, key)
    if (option.alias) byName.set(option.alias, key)
  }
  const parsed = parse(joinDashes(plainSwitches(words, options, byName), options, byName), options)
  const layer = new Map<string, Given>()
  for (const [name, content] of Object.entries(parsed)) {
    if (name === '_' || name === '$0') continue
    const key = byName.get(name)
    const option = key === undefined ? undefined : options[key]
    if (key === undefined || !option) throw new UsageError(unknown('flag', dashed(name), [...byName.keys()].map(dashed)))
    const before = layer.get(key)
    if (before || Array.isArray(content)) throw new UsageError(`${before?.origin ?? dashed(name)}: given twice`)
    const text = String(content)
    if (option.kind === 'value' && text === '')
      throw new UsageError(`${dashed(name)} needs a value: ${dashed(name)} ${option.placeholder ?? ''}`)
    layer.set(key, { text, origin: dashed(name), layer: 'flag' })
  }
  place(parsed._.map(String), positionals, command, layer)
  return layer
}

function place(words: readonly string[], positionals: readonly string[], command: string, layer: Map<string, Given>): void {
  for (const [index, text] of words.entries()) {
    const key = positionals[index]
    if (key === undefined) {
      throw new UsageError(
        `unexpected "${text}": weir ${command} takes ${positionals.length === 0 ? 'flags only' : `[${positionals.join('] [')}]`}${positionals.length > 1 ? '; quote a pattern, or the shell makes several words of it' : ''}`,
      )
    }
    if (layer.has(key)) throw new UsageError(`${key}: given twice`)
    layer.set(key, { text, origin: key, layer: 'flag' })
  }
}

/** yargs takes any `--json=word` for false: says no to words that are neither. */
function plainSwitches(
  words: readonly string[],
  options: Readonly<Record<string, FlagShape>>,
  byName: ReadonlyMap<string, string>,
): readonly string[] {
  return words.map((word) => {
    const match = /^--?([^=]+)=(.*)$/s.exec(word)
    const key = byName.get(match?.[1] ?? '')
    if (!match || key === undefined || options[key]?.kind !== 'switch') return word
    try {
      return `--${key}=${parseSwitch(match[2] ?? '')}`
    } catch (error) {
      throw new UsageError(`--${key}: ${(error as Error).message}`)
    }
  })
}

/** yargs takes a lone dash for a place, not for a value: `-o -` becomes `--output=-`. */
function joinDashes(
  words: readonly string[],
  options: Readonly<Record<string, FlagShape>>,
  byName: ReadonlyMap<string, string>,
): readonly string[] {
  const joined: string[] = []
  for (const word of words) {
    const flag = joined.at(-1)
    const key = word === '-' && flag?.startsWith('-') ? byName.get(flag.replace(/^--?/, '')) : undefined
    if (key !== undefined && options[key]?.kind === 'value') joined[joined.length - 1] = `--${key}=-`
    else joined.push(word)
  }
  return joined
}

interface Parsed {
  readonly _: readonly (string | number)[]
  readonly [name: string]: unknown
}

function parse(words: readonly string[], options: Readonly<Record<string, FlagShape>>): Parsed {
  const names = (kind: FlagShape['kind']): string[] =>
    Object.entries(options).flatMap(([key, option]) => (option.kind === kind ? [key, ...(option.alias ? [option.alias] : [])] : []))
  return yargs([...words])
    .parserConfiguration({
      'boolean-negation': false,
      'camel-case-expansion': false,
      'dot-notation': false,
      'parse-numbers': false,
      'parse-positional-numbers': false,
      'short-option-groups': false,
    })
    .locale('en')
    .help(false)
    .version(false)
    .exitProcess(false)
    .string(names('value'))
    .boolean(names('switch'))
    .fail((message, error) => {
      throw error ?? new UsageError(message)
    })
    .parseSync() as Parsed
}

function dashed(name: string): string {
  return name.length === 1 ? `-${name}` : `--${name}`
}
