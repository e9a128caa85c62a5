/** The links between the embedded Postgres' libraries: npm packs none, so the package's install script makes them, where such scripts may run. */
import { existsSync, readFileSync, symlinkSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { PostgresError } from './connect.js'

/** As listed in pg-symlinks.json: `target` is the link, `source` what it leads to; paths within the package, one folder for both. */
interface Link {
  readonly source: string
  readonly target: string
}

/**
 * Makes the links that are missing, as the install script would have.
 * @param folder of the package
 * @param name of the package, for the message
 * @throws PostgresError when they cannot be made
 */
export function completeLinks(folder: string, name: string): void {
  const list = join(folder, 'native', 'pg-symlinks.json')
  if (!existsSync(list)) return
  for (const { source, target } of JSON.parse(readFileSync(list, 'utf8')) as readonly Link[]) {
    if (existsSync(join(folder, target))) continue
    if (dirname(source) !== dirname(target)) throw new PostgresError(`${list} links across folders, which Weir does not know of`)
    try {
      symlinkSync(basename(source), join(folder, target))
    } catch (error) {
      // Another Weir may have been quicker.
      if (existsSync(join(folder, target))) continue
      throw new PostgresError(
        `${name} was installed without its install script, and ${dirname(join(folder, target))} cannot be written to (${(error as Error).message}): run npm rebuild ${name} as its owner`,
        { cause: error },
      )
    }
  }
}
