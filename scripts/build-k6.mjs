// Builds dist/k6: the load generator k6 with the extension k6/x/weir. Needs Go; modules come from Go's proxy the first time.
import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const output = join(root, 'dist/k6')

mkdirSync(dirname(output), { recursive: true })
const { status, error } = spawnSync('go', ['build', '-o', output, './k6'], {
  cwd: join(root, 'scenarios/k6/extension'),
  stdio: ['ignore', 'inherit', 'inherit'],
})
if (error !== undefined) {
  const absent = error.code === 'ENOENT'
  process.stderr.write(
    absent ? 'Go is not installed: k6 is built with it. Get it from https://go.dev/dl, 1.25 or later\n' : `go: ${error.message}\n`,
  )
}
process.exit(status ?? 1)
