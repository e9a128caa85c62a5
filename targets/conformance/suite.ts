/** One suite over every target in the registry on every store: what is promised in targets/target.ts holds. */
import { test } from 'uvu'
import { openStore } from '../../stores/index.js'
import { targets } from '../index.js'
import type { TargetModule } from '../target.js'
import { backPressure } from './back-pressure.js'
import { rejection } from './bad-lines.js'
import type { Check } from './check.js'
import { aborted, closed, drained } from './ending.js'
import { atRate, fullSpeed } from './exactness.js'
import { Ground, grounds } from './ground.js'
import { cut, died, killed } from './losses.js'
import { type Cell, Matrix } from './matrix.js'

const checks: readonly Check[] = [fullSpeed, atRate, rejection, backPressure, drained, aborted, closed, killed, cut, died]
/** Parts of names to restrict a run to, while working on one: `node dist/targets/conformance.postgres.test.js worker-pool close`. */
const wanted = process.argv.slice(2)
const isWanted = (name: string, among: readonly string[]) => {
  const named = wanted.filter((word) => among.some((each) => each.includes(word)))
  return named.length === 0 || named.some((word) => name.includes(word))
}

async function unsupported(module: TargetModule, ground: Ground): Promise<string | undefined> {
  const store = await openStore(ground.address('combined'))
  try {
    const why = module.unsupported?.(store)
    return why === undefined ? undefined : `${module.name} cannot use the ${ground.name} store: ${why}`
  } finally {
    await store.close()
  }
}

/** Runs the suite on the grounds of these names and prints their matrix in the end. */
export function runSuite(...names: readonly string[]): void {
  const matrix = new Matrix(checks.map(({ name }) => name))
  for (const spec of grounds.filter(({ name }) => names.includes(name))) {
    if (spec.store === undefined) {
      test.skip(`every target on ${spec.name} (needs ${spec.needs})`, () => undefined)
      for (const { name } of targets)
        for (const check of checks) matrix.enter(name, spec.name, check.name, { kind: 'empty', why: `needs ${spec.needs}` })
      continue
    }
    let ground: Ground | undefined
    test(`${spec.name} can be used`, async () => {
      ground = await Ground.start(spec)
    })
    for (const module of targets) {
      if (
        !isWanted(
          module.name,
          targets.map(({ name }) => name),
        )
      )
        continue
      for (const check of checks) {
        if (
          !isWanted(
            check.name,
            checks.map(({ name }) => name),
          )
        )
          continue
        test(`${module.name} on ${spec.name}: ${check.name}`, async () => {
          matrix.enter(module.name, spec.name, check.name, { kind: 'failed' })
          if (ground === undefined) throw new Error(`${spec.name} did not start`)
          const why = (await unsupported(module, ground)) ?? check.empty?.(module, ground)
          if (why !== undefined) return matrix.enter(module.name, spec.name, check.name, { kind: 'empty', why })
          const note = await check.run(module, ground)
          const cell: Cell =
            typeof note === 'object'
              ? { kind: 'empty', why: note.empty }
              : note === undefined
                ? { kind: 'passed' }
                : { kind: 'passed', note }
          matrix.enter(module.name, spec.name, check.name, cell)
        })
      }
    }
    test(`${spec.name} is left as it was`, async () => {
      await ground?.close()
    })
  }

  test.after(() => {
    process.stdout.write(`\n${matrix}\n`)
  })

  test.run()
}
