/** File names from a pattern, so that a pattern can be quoted and mean several files as one argument. */
import { readdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'

/** Whether a text has signs that stand for other text. */
export function isPattern(text: string): boolean {
  return /[*?]/.test(text)
}

/**
 * Files that match a pattern, sorted: `*` is any text and `?` any character within a name, `**` any number of folders.
 * Names that begin with a dot match only a part that does so too. Folders that cannot be read hold nothing.
 */
export async function filesLike(pattern: string, cwd: string): Promise<readonly string[]> {
  const rooted = pattern.startsWith('/')
  const parts = pattern.split('/').filter((part) => part !== '' && part !== '.')
  const found = await below(rooted ? '/' : '', parts, cwd)
  return [...new Set(found)].sort()
}

async function below(folder: string, parts: readonly string[], cwd: string): Promise<readonly string[]> {
  const [part, ...rest] = parts
  if (part === undefined) return []
  if (part === '..') return below(join(folder, '..'), rest, cwd)
  const entries = await readdir(resolve(cwd, folder), { withFileTypes: true }).catch(() => [])
  const fits = part === '**' ? () => true : matcher(part)
  const inside = await Promise.all(
    entries.map(async (entry): Promise<readonly string[]> => {
      const path = join(folder, entry.name)
      const hidden = entry.name.startsWith('.') && !part.startsWith('.')
      if (hidden || !fits(entry.name)) return []
      if (rest.length === 0) return part !== '**' && !entry.isDirectory() ? [path] : []
      // Any number of folders are real ones: a link may lead back to where the search began.
      if (entry.isFile() || (part === '**' && !entry.isDirectory())) return []
      return below(path, part === '**' ? parts : rest, cwd)
    }),
  )
  const here = part === '**' ? await below(folder, rest, cwd) : []
  return [...here, ...inside.flat()]
}

function matcher(part: string): (name: string) => boolean {
  const pattern = new RegExp(
    `^${part
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.')}$`,
    's',
  )
  return (name) => pattern.test(name)
}
