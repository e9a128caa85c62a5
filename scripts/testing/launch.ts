/** Starts one test file and writes down the names of the tests that it skips, which uvu itself only counts. */
import { appendFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { test } from 'uvu'

const file = process.argv[2]
const skips = process.env['WEIR_TEST_SKIPS']
if (file === undefined || skips === undefined) throw new Error('launch.js is started by the test runner only')
// The file's children are not test files.
delete process.env['WEIR_TEST_SKIPS']
process.argv.splice(1, 2, file)

const skip = test.skip
test.skip = (name?: unknown, ...rest: unknown[]): void => {
  appendFileSync(skips, `${String(name ?? '(unnamed)').replaceAll('\n', ' ')}\n`)
  ;(skip as (...all: unknown[]) => void)(name, ...rest)
}

await import(pathToFileURL(file).href)
