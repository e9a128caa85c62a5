/** Finds the results that a word on the command line means: a file, a folder, a pattern, or a label. */
import { resolve } from 'node:path'
import type { Side } from '../results/compare.js'
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

/** The results of one side. Files of a folder or pattern that hold none are named and passed over. @throws UsageError when there are none. */
export async function sideNamed(text: string, places: Places): Promise<Side> {
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
