/** The linter turns an import against the one direction red, tried in a folder with the repository's own rules. */
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const biome = join(dirname(createRequire(import.meta.url).resolve('@biomejs/biome/package.json')), 'bin/biome')

/** Lints one file that imports another; returns what the linter said, '' when nothing. */
function lint(file: string, specifier: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'weir-imports-'))
  try {
    copyFileSync(join(root, 'biome.json'), join(folder, 'biome.json'))
    mkdirSync(dirname(join(folder, file)), { recursive: true })
    writeFileSync(join(folder, file), `export { x } from '${specifier}'\n`)
    const { status, stdout, stderr } = spawnSync(process.execPath, [biome, 'lint', '.'], { cwd: folder, encoding: 'utf8' })
    return status === 0 ? '' : `${stdout}${stderr}`
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

test('imports with the stream are fine', () => {
  for (const [file, specifier] of [
    ['cli/a.ts', '../replay/session.js'],
    ['replay/a.ts', '../targets/index.js'],
    ['targets/pool/a.ts', '../../stores/store.js'],
    ['stores/postgres/a.ts', '../../generators/record.js'],
    ['results/a.ts', './baselines/b.js'],
    ['services/analytics/a.ts', '../../stores/store.js'],
    ['replay/a.ts', '../services/index.js'],
    ['targets/a/a.ts', '../../services/receiver/server.js'],
  ] as const) {
    assert.is(lint(file, specifier), '', `${file} -> ${specifier}`)
  }
})

test('imports against it are not', () => {
  for (const [file, specifier] of [
    ['replay/a.ts', '../cli/main.js'],
    ['results/a.ts', '../replay/driver.js'],
    ['scenarios/a.ts', '../targets/index.js'],
    ['targets/pool/a.ts', '../../replay/driver.js'],
    ['stores/postgres/a.ts', '../../targets/target.js'],
    ['generators/kernel/a.ts', '../../stores/store.js'],
    ['services/analytics/a.ts', '../../targets/target.js'],
    ['stores/a.ts', '../services/service.js'],
    ['scripts/a.ts', '../cli/main.js'],
  ] as const) {
    assert.match(lint(file, specifier), 'noRestrictedImports', `${file} -> ${specifier}`)
  }
})

test.run()
