/** Finds the results that a word on the command line means: a file, a folder, a pattern, or a label. */
import { resolve } from 'node:path'
import type { Comparison, Side } from '../results/compare.js'
import { kindOf, type ReadFolder, ResultReadError, readAll, readFolder, readResult } from '../results/read.js'
import { UsageError } from './errors.js'
import { filesLike, isPattern } from './glob.js'
import { unknown } from './suggest.js'

export interface Places {
  readonly cwd: string
  /** Where labels are looked for, as the user wrote it. */
  readonly out: string
  notice(line: string): void
}

/** Both sides of a comparison. @throws UsageError as `sideNamed`, and when a result is on both */
export async function sidesNamed([left, right]: readonly [string, string], places: Places): Promise<readonly [Side, Side]> {
  const [a, b] = [await sideNamed(left, places), await sideNamed(right, places)]
  refuseShared(a, b, places.cwd)
  return [a, b]
}

/** A result on both sides would be compared with itself. */
function refuseShared(a: Side, b: Side, cwd: string): void {
  const files = new Set(a.results.map(({ file }) => resolve(cwd, file)))
  const both = b.results.filter(({ file }) => files.has(resolve(cwd, file)))
  if (both.length > 0) {
    throw new UsageError(
      `A and B both have ${both[0]?.file ?? ''}${both.length > 1 ? ` and ${both.length - 1} more` : ''}: nothing differs from itself`,
    )
  }
}

/** @throws UsageError when two sides have nothing in common */
export function refuseEmpty({ rows, onlyInA, onlyInB, leftOut }: Comparison): void {
  if (rows.length > 0) return
  const names = (keys: Comparison['onlyInA']) =>
    keys.map(({ target, store, scenario }) => `${target} on ${store}, ${scenario}`).join('; ') || 'nothing that can be compared'
  const left = leftOut.map(({ target, file, reason }) => `\n  left out: ${target} in ${file}: ${reason}`).join('')
  throw new UsageError(`no target, store and scenario is in both:\n  A has ${names(onlyInA)}\n  B has ${names(onlyInB)}${left}`)
}

/** The results of one side. Files of a folder or pattern that hold none are named and passed over. @throws UsageError when there are none. */
async function sideNamed(text: string, places: Places): Promise<Side> {
  const kind = await kindOf(resolve(places.cwd, text))
  try {
    if (kind === 'file')
      return { name: text, results: [await readResult(resolve(places.cwd, text)).then((read) => ({ ...read, file: text }))] }
    if (kind === 'folder') return await inFolder(text, places)
    if (isPattern(text)) return await matching(text, places)
    if (/[/\\]|\.json$/.test(text)) throw new UsageError(`there is no file ${text}`)
    return await labelled(text, places)
  } catch (error) {
    if (error instanceof ResultReadError) throw new UsageError(error.message)
    throw error
  }
}

/** A folder's results; a word that names both a folder without any and a label (main, test) means the label. */
async function inFolder(text: string, places: Places): Promise<Side> {
  const read = await readFolder(resolve(places.cwd, text))
  if (read.results.length === 0 && !text.includes('/')) {
    const label = await labelled(text, places).catch(() => undefined)
    if (label !== undefined) return label
  }
  return some(text, read, `there are no results in ${text}`, places)
}

async function matching(pattern: string, places: Places): Promise<Side> {
  const files = await filesLike(pattern, places.cwd)
  if (files.length === 0) throw new UsageError(`no file matches ${pattern}`)
  const read = await readAll(files.map((file) => resolve(places.cwd, file)))
  return some(pattern, read, `none of the ${files.length} files that match ${pattern} holds a result`, places)
}

async function labelled(label: string, places: Places): Promise<Side> {
  const folder = resolve(places.cwd, places.out)
  if ((await kindOf(folder)) !== 'folder') {
    throw new UsageError(`there is no file ${label}, and no folder ${places.out} to look for a label of that name; --out DIR names another`)
  }
  const read = await readFolder(folder)
  const results = read.results.filter(({ result }) => result.label === label)
  if (results.length > 0) return { name: label, results: results.map((one) => near(one, places)) }
  const labels = [...new Set(read.results.flatMap(({ result }) => result.label ?? []))].sort()
  if (labels.length > 0) throw new UsageError(`there is no file ${label}; ${unknown('label', label, labels)} (in ${places.out})`)
  throw new UsageError(`there is no file ${label}, and no result in ${places.out} has a label (weir run --label NAME gives one)`)
}

function some(name: string, { results, broken }: ReadFolder, none: string, places: Places): Side {
  if (results.length === 0) {
    const why = broken.map(({ file, reason }) => `\n  ${shown(file, places)} ${reason}`)
    throw new UsageError(`${none}${why.slice(0, 10).join('')}`)
  }
  for (const { file, reason } of broken) places.notice(`passed over: ${shown(file, places)} ${reason}`)
  return { name, results: results.map((one) => near(one, places)) }
}

function near(one: Side['results'][number], places: Places): Side['results'][number] {
  return { ...one, file: shown(one.file, places) }
}

/** A path below the working directory as it is typed there. */
function shown(file: string, { cwd }: Places): string {
  return file.startsWith(`${cwd}/`) ? file.slice(cwd.length + 1) : file
}
