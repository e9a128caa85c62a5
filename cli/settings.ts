/** Where a setting comes from: flag before environment before configuration file; each remembers its origin for error messages. */
import { UsageError } from './errors.js'
import { unknown } from './suggest.js'

/** A setting as it was written, and where. */
export interface Given {
  readonly text: string
  /** '--rate', 'WEIR_RATE' or 'weir.config.json: rate'. */
  readonly origin: string
  readonly layer: 'flag' | 'environment' | 'file'
}

export type Layer = ReadonlyMap<string, Given>

/** Variables that belong to the tests, or to k6's scripts and extension alone, and never set an option. */
const reserved = /^WEIR_(?:TEST_|(?:REAL_LOGS|URL|ANALYTICS_URL|SOURCE|FIRST|KERNEL)$)/

/** The variable of an option: 'partition-key' is WEIR_PARTITION_KEY, 'single-thread.batch-records' is WEIR_SINGLE_THREAD_BATCH_RECORDS. */
export function variableOf(key: string): string {
  return `WEIR_${key.replaceAll(/[-.]/g, '_').toUpperCase()}`
}

/** 'batchRecords' to 'batch-records'. */
export function kebab(key: string): string {
  return key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

/** Settings from the environment. `known` are the keys of all options of all commands; an empty variable counts as not set. */
export function environmentLayer(environment: Readonly<Record<string, string | undefined>>, known: readonly string[]): Layer {
  const byVariable = new Map(known.map((key) => [variableOf(key), key]))
  const layer = new Map<string, Given>()
  for (const [name, text] of Object.entries(environment)) {
    if (!name.startsWith('WEIR_') || reserved.test(name) || text === undefined) continue
    const key = byVariable.get(name)
    if (key === undefined) throw new UsageError(unknown('variable', name, [...byVariable.keys()]))
    if (text !== '') layer.set(key, { text, origin: name, layer: 'environment' })
  }
  return layer
}

/**
 * Settings from the text of a configuration file: an object of options, in kebab or camel case; the options of one
 * target may lie in an object of the target's name.
 */
export function fileLayer(text: string, file: string, known: readonly string[]): Layer {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch (error) {
    throw new UsageError(`${file} is not JSON: ${(error as Error).message}`)
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new UsageError(`${file}: expected an object of options, such as { "store": "null", "rate": "50k" }`)
  }
  const layer = new Map<string, Given>()
  collect(parsed, '', file, known, layer)
  return layer
}

function collect(object: object, prefix: string, file: string, known: readonly string[], layer: Map<string, Given>): void {
  for (const [name, content] of Object.entries(object)) {
    const key = prefix + kebab(name)
    const origin = `${file}: ${prefix}${name}`
    const groups = known.some((other) => other.startsWith(`${key}.`))
    if (prefix === '' && groups && typeof content === 'object' && content !== null && !Array.isArray(content)) {
      collect(content, `${key}.`, file, known, layer)
      continue
    }
    if (!known.includes(key)) {
      const names = [...known, ...new Set(known.filter((other) => other.includes('.')).map((other) => other.split('.')[0] ?? ''))]
      throw new UsageError(`${file}: ${unknown('option', prefix + name, names)}`)
    }
    if (layer.has(key)) throw new UsageError(`${origin}: given twice`)
    layer.set(key, { text: plain(content, origin), origin, layer: 'file' })
  }
}

function plain(content: unknown, origin: string): string {
  if (typeof content === 'string' || typeof content === 'number' || typeof content === 'boolean') return String(content)
  if (Array.isArray(content) && content.every((item) => typeof item === 'string')) return content.join(',')
  throw new UsageError(`${origin}: expected a string, a number, true, false or a list of strings, not ${JSON.stringify(content)}`)
}

/** The layers of settings, the strongest first. */
export class Settings {
  constructor(private readonly layers: readonly Layer[]) {}

  /** The strongest setting of any of these keys; within a layer the first key wins. */
  find(...keys: readonly string[]): Given | undefined {
    for (const layer of this.layers) {
      for (const key of keys) {
        const given = layer.get(key)
        if (given) return given
      }
    }
    return undefined
  }
}

/** Reads a given value; what is wrong with it is told with where it came from. */
export function read<T>(given: Given, parse: (text: string) => T): T {
  try {
    return parse(given.text)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    if (given.layer === 'flag' && error.message.startsWith('unknown ')) throw error
    throw new UsageError(`${given.origin}: ${error.message}`)
  }
}
