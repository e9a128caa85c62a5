/** npm run bench: side-by-side figures on this machine, interleaved, as ratios with their spread. `npm run bench -- psql kernel` runs some. */
import { spawnSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { startServer } from '../../stores/index.js'
import { temporaryPrefix } from '../../stores/temporary.js'
import { analyticsBench } from './analytics.js'
import { auditBench } from './audit.js'
import { baselineBench } from './baseline.js'
import {
  clickHouseJsonBench,
  clickHouseSingleThreadBench,
  clickHouseSingleThreadPostBench,
  clickHouseWorkerPoolBench,
  clickHouseWorkerPoolPostBench,
} from './clickhouse.js'
import { generateBench } from './generate.js'
import { kernelBench } from './kernel.js'
import { receiverNginxBench, receiverStoredBench } from './receiver.js'
import { copiesBench, nullBench, routingBench, singleThreadBench, workerPoolBench } from './stores.js'

/** Everything that can be measured, by the word that asks for it. */
const benches = {
  'worker-pool': workerPoolBench,
  'single-thread': singleThreadBench,
  routing: routingBench,
  null: nullBench,
  copies: copiesBench,
  audit: auditBench,
  baseline: baselineBench,
  kernel: kernelBench,
  generate: generateBench,
  'clickhouse-single-thread': clickHouseSingleThreadBench,
  'clickhouse-worker-pool': clickHouseWorkerPoolBench,
  'clickhouse-single-thread-post': clickHouseSingleThreadPostBench,
  'clickhouse-worker-pool-post': clickHouseWorkerPoolPostBench,
  'clickhouse-json': clickHouseJsonBench,
  analytics: analyticsBench,
  'receiver-nginx': receiverNginxBench,
  'receiver-stored': receiverStoredBench,
} as const

const asked = process.argv.slice(2)
const unknown = asked.find((name) => !(name in benches))
if (unknown !== undefined) {
  process.stderr.write(`there is no benchmark ${unknown}; there are ${Object.keys(benches).join(', ')}\n`)
  process.exit(2)
}
const chosen = Object.entries(benches).filter(([name]) => asked.length === 0 || asked.includes(name))
const needsPsql = chosen.some(([name]) => name === 'worker-pool' || name === 'single-thread')
if (needsPsql && spawnSync('psql', ['--version']).status !== 0) {
  process.stderr.write(
    'psql is not installed: it is the yardstick of worker-pool and single-thread (Debian: apt-get install postgresql-client)\n',
  )
  process.exit(1)
}

process.stdout.write(`${cpus().length} x ${cpus()[0]?.model.trim()}, load average ${loadavg()[0]?.toFixed(2)} at the start\n`)
const scratch = await mkdtemp(join(tmpdir(), temporaryPrefix('bench')))
const server = await startServer({ store: 'postgres', durability: 'power' })
try {
  for (const [name, bench] of chosen) {
    process.stderr.write(`${name}\n`)
    process.stdout.write(`${await bench({ server, scratch })}\n`)
  }
} finally {
  await server.close()
  await rm(scratch, { recursive: true, force: true })
}
