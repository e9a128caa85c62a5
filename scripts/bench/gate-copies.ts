/** Copies of the built Weir for trying the gate: one as it is, one slower by a known share, one that loses records, one whose parser rejects valid lines. */
import { cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * What is done to a copy. `slower`: each block takes so many times as long; `loses`: every so many-th chunk is not written;
 * `repeats`: every so many-th settlement is said twice;
 * `rejects`: its parser takes every so many-th of the first million lines for no record, and its audit expects just that.
 */
export type Change =
  | { readonly slower: number }
  | { readonly loses: number }
  | { readonly repeats: number }
  | { readonly rejects: number }
  | 'none'

const root = fileURLToPath(new URL('../../..', import.meta.url))

/** Copies dist/ into a folder and changes the copy's targets or its parser. Returns the folder, as `weir gate --against` takes it. */
export async function copyBuild(folder: string, change: Change): Promise<string> {
  await mkdir(folder, { recursive: true })
  await cp(join(root, 'dist'), join(folder, 'dist'), { recursive: true, filter: (path) => !path.includes(join('dist', 'k6')) })
  await cp(join(root, 'package.json'), join(folder, 'package.json'))
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'), 'dir')
  if (change === 'none') return folder
  if ('rejects' in change) await patchParser(join(folder, 'dist', 'generators', 'line-encoder.js'), change.rejects)
  else await patch(join(folder, 'dist', 'targets', 'index.js'), change)
  return folder
}

/**
 * Puts a NUL at the beginning of every so many-th line that the copy's parser is given, up to position 1,000,000: with that
 * one begin the lines by which a writer finds out how the server hashes.
 */
async function patchParser(path: string, every: number): Promise<void> {
  const text = await readFile(path, 'utf8')
  const found = 'encode(arena, chunk, fromLine = 0) {'
  if (!text.includes(found)) throw new Error(`${path} has no encode to be patched`)
  const damage = `
        if (fromLine === 0) {
          for (let line = 0, at = 0; line < chunk.count && chunk.first + line < 1e6; line++, at = chunk.lines.indexOf(10, at) + 1)
            if ((chunk.first + line) % ${every} === 0) chunk.lines[at] = 0;
        }`
  await writeFile(path, text.replace(found, `${found}${damage}`))
}

/** Puts a wrapper round every target that the copy's registry finds. */
async function patch(index: string, change: Exclude<Change, 'none' | { readonly rejects: number }>): Promise<void> {
  const text = await readFile(index, 'utf8')
  const found = 'export function findTarget(name) {'
  if (!text.includes(found)) throw new Error(`${index} has no findTarget to be patched`)
  const renamed = text.replace(found, 'function originalTarget(name) {')
  const wrapper = 'slower' in change ? slower(change.slower) : 'loses' in change ? loses(change.loses) : repeats(change.repeats)
  await writeFile(
    index,
    `${renamed}\n${wrapper}\nexport function findTarget(name) {\n  const module = originalTarget(name)\n  return module && changed(module)\n}\n`,
  )
}

/**
 * The target stands still, in its own thread, for a share of the time that each block of work took, before it says that the
 * last of it is stored: a block takes exactly that many times as long, whatever bounds it.
 */
function slower(times: number): string {
  return `
function changed(module) {
  return { ...module, async open(context) {
    let begin, held = []
    const target = await module.open({ ...context, settle: (settlement) => held.push(settlement) })
    return { ...target,
      offer(chunk) { begin ??= performance.now(); return target.offer(chunk) },
      async drain(signal) {
        await target.drain(signal)
        if (begin !== undefined) {
          const end = performance.now() + (performance.now() - begin) * ${times - 1}
          while (performance.now() < end);
        }
        begin = undefined
        for (const settlement of held.splice(0)) context.settle(settlement)
      },
    }
  } }
}`
}

/** The target says of some chunks that they are stored, and forgets them. */
function loses(every: number): string {
  return `
function changed(module) {
  return { ...module, async open(context) {
    let chunks = 0
    const target = await module.open(context)
    return { ...target, async offer(chunk) {
      if (++chunks % ${every} !== 0) return target.offer(chunk)
      context.settle({ source: chunk.source, first: chunk.first, count: chunk.count, fate: 'stored' })
    } }
  } }
}`
}

/** The target says of some batches again that they are stored. */
function repeats(every: number): string {
  return `
function changed(module) {
  return { ...module, async open(context) {
    let settlements = 0
    const settle = (settlement) => {
      context.settle(settlement)
      if (++settlements % ${every} === 0) context.settle(settlement)
    }
    return module.open({ ...context, settle })
  } }
}`
}
