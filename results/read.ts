/** Reads result documents back: one file, or all of a folder, with a sentence for each that cannot be used. */
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { durabilities, type Result, resultSchema, verdicts } from './result.js'

/** A file that holds no result that this version can read: which, why, and what to do. */
export class ResultReadError extends Error {
  constructor(
    readonly file: string,
    readonly reason: string,
  ) {
    super(`${file} ${reason}`)
    this.name = 'ResultReadError'
  }
}

/** A result and where it was read. */
export interface ReadResult {
  readonly file: string
  readonly result: Result
}

/** The results of a folder in the order of time, and the files there that hold none. */
export interface ReadFolder {
  readonly results: readonly ReadResult[]
  readonly broken: readonly { readonly file: string; readonly reason: string }[]
}

/** How `weir capacity` names its documents. */
const capacityName = /^\d{8}T\d{6}Z-capacity-/

/** Reads one document. @throws ResultReadError when it cannot be read or used. */
export async function readResult(file: string): Promise<ReadResult> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    throw new ResultReadError(file, `cannot be read: ${reasonOf(error as NodeJS.ErrnoException)}`)
  }
  return { file, result: parseResult(text, file) }
}

/**
 * Reads every .json file of a folder, not of those below it. Hidden files (results being written) are passed over, and so are
 * the documents of weir capacity, which lie there too.
 * @throws ResultReadError when the folder itself cannot be read.
 */
export async function readFolder(folder: string): Promise<ReadFolder> {
  let names: readonly string[]
  try {
    names = (await readdir(folder)).filter((name) => name.endsWith('.json') && !name.startsWith('.') && !capacityName.test(name)).sort()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOTDIR') throw new ResultReadError(folder, 'is a file; name the folder that it lies in')
    throw new ResultReadError(folder, `cannot be read: ${reasonOf(error as NodeJS.ErrnoException)}`)
  }
  return readAll(names.map((name) => join(folder, name)))
}

/** Reads these files, a few at a time. */
export async function readAll(files: readonly string[]): Promise<ReadFolder> {
  const results: ReadResult[] = []
  const broken: { file: string; reason: string }[] = []
  const waiting = [...files]
  const reader = async () => {
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
      try {
        results.push(await readResult(file))
      } catch (error) {
        if (!(error instanceof ResultReadError)) throw error
        broken.push({ file, reason: error.reason })
      }
    }
  }
  await Promise.all(Array.from({ length: 8 }, reader))
  results.sort((a, b) => compareText(a.result.createdAt, b.result.createdAt) || compareText(a.file, b.file))
  broken.sort((a, b) => compareText(a.file, b.file))
  return { results, broken }
}

/** Whether there is something at this path, and which of the two. */
export async function kindOf(path: string): Promise<'file' | 'folder' | undefined> {
  const found = await stat(path).catch(() => undefined)
  return found && (found.isDirectory() ? 'folder' : 'file')
}

/**
 * A document from its text. Looked at is what comparisons and histories rest on; other fields are taken as they are.
 * @param file for the message.
 * @throws ResultReadError when it is empty, cut short, no result, or of another version of the schema.
 */
export function parseResult(text: string, file: string): Result {
  const fail = (reason: string): never => {
    throw new ResultReadError(file, reason)
  }
  if (text.trim() === '') fail('is empty')
  const value = parsed(text, fail)
  if (!isObject(value) || !('schema' in value) || !('runs' in value)) return fail('is JSON, but no result of weir run')
  if (typeof value['schema'] !== 'number') return fail(`is no result of weir run: its schema is ${JSON.stringify(value['schema'])}`)
  if (value['schema'] > resultSchema) {
    fail(`was written by a newer weir: its schema is ${value['schema']}, this version reads ${resultSchema}; update weir`)
  }
  if (value['schema'] !== resultSchema) fail(`has schema ${value['schema']}, this version reads ${resultSchema}`)
  const trouble = troubleIn(value)
  if (trouble !== undefined) fail(`is damaged: ${trouble}`)
  return value as unknown as Result
}

function parsed(text: string, fail: (reason: string) => never): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Every result ends with the brace that closes it.
    if (text.trimStart().startsWith('{') && !text.trimEnd().endsWith('}')) return fail('is cut short: the JSON does not come to its end')
    return fail('is no JSON')
  }
}

type Fields = { readonly [field: string]: unknown }
type Check = (value: unknown) => string | undefined

const text: Check = (value) => (typeof value === 'string' ? undefined : 'is no text')
const number: Check = (value) => (typeof value === 'number' && Number.isFinite(value) ? undefined : 'is no number')
const date: Check = (value) => (typeof value === 'string' && !Number.isNaN(Date.parse(value)) ? undefined : 'is no date')
const object: Check = (value) => (isObject(value) ? undefined : 'is no object')
const list: Check = (value) => (Array.isArray(value) ? undefined : 'is no list')
const orNull =
  (check: Check): Check =>
  (value) =>
    value === null ? undefined : check(value)
const orAbsent =
  (check: Check): Check =>
  (value) =>
    value === undefined ? undefined : check(value)
const oneOf =
  (words: readonly string[]): Check =>
  (value) =>
    words.includes(value as string) ? undefined : `is none of ${words.join(', ')}`

const documentChecks: Readonly<Record<string, Check>> = {
  createdAt: date,
  label: orAbsent(text),
  weir: object,
  'weir.build': text,
  configuration: object,
  machine: object,
  baseline: object,
  'baseline.measured': orNull(number),
  calibration: object,
  'calibration.nullRecordsPerSecond': orNull(number),
  runs: list,
}

const runChecks: Readonly<Record<string, Check>> = {
  target: text,
  store: text,
  scenario: text,
  records: number,
  verdict: oneOf(verdicts),
  durability: oneOf(durabilities),
  throughput: object,
  'throughput.recordsPerSecond': number,
  'throughput.timesMeasured': orNull(number),
  latency: orNull(object),
  audit: orNull(object),
  blocks: orAbsent(list),
  workloadHash: text,
  environmentHash: text,
  subjectHash: text,
}

const latencyChecks: Readonly<Record<string, Check>> = { rate: number, p50: number, p99: number }
const auditChecks: Readonly<Record<string, Check>> = { lost: number, duplicated: number, corrupted: number, misplaced: number }
const blockChecks: Readonly<Record<string, Check>> = { index: number, records: number, elapsedMs: number, recordsPerSecond: number }

/** The first field that is not as it has to be, in words; undefined when all are. */
function troubleIn(document: Fields): string | undefined {
  const runs = (document['runs'] as readonly unknown[] | undefined) ?? []
  return troubleOf(document, documentChecks, '') ?? firstOf(runs, (run, i) => troubleInRun(run, `runs[${i}]`))
}

function troubleInRun(run: unknown, at: string): string | undefined {
  if (!isObject(run)) return `${at} is no object`
  const trouble = troubleOf(run, runChecks, `${at}.`)
  if (trouble !== undefined) return trouble
  const { latency, audit, blocks } = run as { latency: Fields | null; audit: Fields | null; blocks?: readonly unknown[] }
  return (
    (latency && troubleOf(latency, latencyChecks, `${at}.latency.`)) ??
    (audit && troubleOf(audit, auditChecks, `${at}.audit.`)) ??
    firstOf(blocks ?? [], (block, i) =>
      isObject(block) ? troubleOf(block, blockChecks, `${at}.blocks[${i}].`) : `${at}.blocks[${i}] is no object`,
    )
  )
}

function troubleOf(value: Fields, checks: Readonly<Record<string, Check>>, at: string): string | undefined {
  return firstOf(Object.entries(checks), ([path, check]) => {
    const found = path.split('.').reduce<unknown>((inside, name) => (isObject(inside) ? inside[name] : undefined), value)
    const trouble = check(found)
    return trouble && `${at}${path} ${found === undefined ? 'is missing' : trouble}`
  })
}

function firstOf<T>(items: readonly T[], trouble: (item: T, index: number) => string | undefined): string | undefined {
  for (const [i, item] of items.entries()) {
    const found = trouble(item, i)
    if (found !== undefined) return found
  }
  return undefined
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function reasonOf({ code, message }: NodeJS.ErrnoException): string {
  const known: Readonly<Record<string, string>> = {
    ENOENT: 'there is nothing of that name',
    EACCES: 'you may not read it',
    EISDIR: 'it is a folder',
  }
  return known[code ?? ''] ?? message
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
