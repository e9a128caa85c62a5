/** Runs every test file as a process of its own and counts: `node dist/scripts/test.js [part of a path ...]`. */
import { readdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type FileReport, runFile } from './testing/run-file.js'

/** A file may take this long, unless WEIR_TEST_TIMEOUT_MS says otherwise. */
const timeoutMs = 480_000
/** Test files at a time: one more than cores, up to three, since most of them wait for something most of the time. */
const lanes = Math.min(3, availableParallelism() + 1)

export interface Totals {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

/** Adds files up: a file that went wrong without a failed test of its own counts as one failure; in CI a skip does too. */
export function total(reports: readonly FileReport[], ci: boolean): Totals {
  let [passed, failed, skipped] = [0, 0, 0]
  for (const report of reports) {
    const failures = report.total - report.passed
    passed += report.passed
    failed += failures + (failures === 0 && report.problems.length > 0 ? 1 : 0)
    if (ci) failed += report.skipped.length
    else skipped += report.skipped.length
  }
  return { passed, failed, skipped }
}

/** The last line of a test run. */
export function lastLine({ passed, failed, skipped }: Totals): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`
}

function testFiles(folder: string, parts: readonly string[]): string[] {
  return readdirSync(folder, { recursive: true })
    .map(String)
    .filter((name) => name.endsWith('.test.js') && (parts.length === 0 || parts.some((part) => name.includes(part))))
    .sort()
    .map((name) => join(folder, name))
}

/** Runs files, at most `atOnce` together; those with `.serial.` in their name wait until they can run alone. */
async function runAll(files: readonly string[], folder: string, atOnce: number, limitMs: number): Promise<FileReport[]> {
  const reports: FileReport[] = []
  const one = async (file: string): Promise<void> => {
    const name = relative(folder, file)
    const report = await runFile(file, limitMs)
    reports.push(report)
    process.stdout.write(describe(name, report))
  }
  const together = files.filter((file) => !file.includes('.serial.'))
  const next = together[Symbol.iterator]()
  const lane = async (): Promise<void> => {
    for (const file of next) await one(file)
  }
  await Promise.all(Array.from({ length: Math.max(1, atOnce) }, lane))
  for (const file of files.filter((name) => name.includes('.serial.'))) await one(file)
  return reports
}

function describe(name: string, report: FileReport): string {
  const seconds = (report.elapsedMs / 1000).toFixed(1)
  const lines = [`${report.problems.length > 0 ? 'FAIL' : 'ok  '}  ${name}  ${report.passed} of ${report.total}, ${seconds} s`]
  for (const skipped of report.skipped) lines.push(`      skipped: ${skipped}`)
  if (report.problems.length > 0) {
    lines.push(...report.problems.map((problem) => `      ${problem}`), report.output.trimEnd())
  }
  return `${lines.join('\n')}\n`
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = process.env['WEIR_TEST_FOLDER'] ?? fileURLToPath(new URL('..', import.meta.url))
  const files = testFiles(folder, process.argv.slice(2))
  const limit = Number(process.env['WEIR_TEST_TIMEOUT_MS'] ?? timeoutMs)
  const reports = await runAll(files, folder, lanes, limit)
  const totals = total(reports, process.env['CI'] === 'true')
  if (files.length === 0) process.stdout.write('no test file was found; build first, or name another part of a path\n')
  if (process.env['CI'] === 'true' && reports.some(({ skipped }) => skipped.length > 0)) {
    process.stdout.write('a skipped test is a failure here (CI=true)\n')
  }
  process.stdout.write(`${lastLine(totals)}\n`)
  process.exitCode = totals.failed > 0 || files.length === 0 ? 1 : 0
}
