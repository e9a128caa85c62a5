// Builds dist/: the kernel (AssemblyScript to wasm), then TypeScript, into an emptied folder, so that a deleted file cannot go on passing its tests.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const require = createRequire(import.meta.url)
const assembly = join(root, 'generators/kernel/assembly')
const cache = join(root, 'node_modules/.cache/weir')

/** Runs a compiler; what it has to say matters only when it fails, and then ends the build. */
function compile(...command) {
  const { status, stdout, stderr } = spawnSync(process.execPath, command, { cwd: root, encoding: 'utf8' })
  if (status === 0) return
  process.stderr.write(`${stdout}${stderr}`)
  process.exit(1)
}

/** Compiles the kernel unless the same sources were compiled by the same compiler before. */
function kernel() {
  const sources = readdirSync(assembly, { recursive: true })
    .map(String)
    .filter((name) => name.endsWith('.ts'))
    .sort()
  const asc = join(dirname(require.resolve('assemblyscript/package.json')), 'bin/asc.js')
  const options = ['--runtime', 'stub', '--enable', 'simd', '-O3', '--noAssert', '--converge', '--use', 'abort=']
  const hash = createHash('sha256')
    .update(process.version)
    .update(readFileSync(require.resolve('assemblyscript/package.json')))
    .update(options.join(' '))
  for (const name of sources) hash.update(name).update(readFileSync(join(assembly, name)))
  const wasm = join(cache, `kernel-${hash.digest('hex').slice(0, 16)}.wasm`)
  if (!existsSync(wasm)) {
    mkdirSync(cache, { recursive: true })
    const partial = `${wasm}.${process.pid}`
    compile(asc, 'generators/kernel/assembly/index.ts', '--outFile', partial, ...options)
    copyFileSync(partial, wasm)
    rmSync(partial)
  }
  return wasm
}

const wasm = kernel()
// What `npm run build:k6` has put there is made of other sources.
for (const name of existsSync(join(root, 'dist')) ? readdirSync(join(root, 'dist')) : []) {
  if (name !== 'k6') rmSync(join(root, 'dist', name), { recursive: true, force: true })
}
mkdirSync(join(root, 'dist/generators/kernel'), { recursive: true })
copyFileSync(wasm, join(root, 'dist/generators/kernel/kernel.wasm'))
writeFileSync(
  join(root, 'dist/build.json'),
  `${JSON.stringify({ kernel: createHash('sha256').update(readFileSync(wasm)).digest('hex') })}\n`,
)
compile(join(dirname(require.resolve('typescript/package.json')), 'bin/tsc'), '-p', 'tsconfig.json')
const main = join(root, 'dist/cli/main.js')
if (existsSync(main)) chmodSync(main, 0o755)
