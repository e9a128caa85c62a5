/** A child's CPU time counts once, whether it runs or has ended. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { childrenSeconds, cpuSecondsWith } from './side-cpu.js'

const linux = existsSync('/proc/self/stat') ? test : test.skip
const burnt = 0.5
/** Each of the four counters that are read is cut to whole hundredths. */
const grain = 0.04

const burner = `
const used = () => { const { user, system } = process.cpuUsage(); return (user + system) / 1e6 }
while (used() < ${burnt});
process.stdout.write('done')
process.stdin.resume().on('end', () => process.exit(0))`

linux('a child that ends takes none of its CPU time along, and leaves none of it twice', async () => {
  const before = childrenSeconds([])
  const child = spawn(process.execPath, ['-e', burner], { stdio: ['pipe', 'pipe', 'inherit'] })
  const { pid = 0 } = child
  await once(child.stdout, 'data')
  const running = childrenSeconds([pid])
  assert.ok(running - before >= burnt - grain, `${running - before} s`)
  assert.ok(childrenSeconds([pid, pid]) - running < burnt, 'named twice, counted once')
  child.stdin.end()
  await once(child, 'exit')
  for (const pids of [[], [pid]]) {
    const ended = childrenSeconds(pids)
    assert.ok(ended >= running - grain, `${ended} s after ${running} s`)
    assert.ok(ended - running < burnt, `${ended} s after ${running} s`)
  }
})

test('the own process counts too', () => {
  const { user, system } = process.cpuUsage()
  assert.ok(cpuSecondsWith([]) >= (user + system) / 1e6)
})

test.run()
