/** Bounds from made-up evidence, one rule at a time. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type BoundEvidence, findBound } from './bound.js'
import type { StoreWaits, WaitKind } from './result.js'

/** What connections did, in shares; the rest of their time was spent waiting for the target. */
function waits(kinds: Partial<Record<WaitKind, number>>, looks = 100): Pick<StoreWaits, 'events' | 'kinds' | 'looks'> {
  const told = { cpu: 0, disk: 0, lock: 0, other: 0, ...kinds }
  const client = kinds.client ?? 1 - told.cpu - told.disk - told.lock - told.other
  return { looks, kinds: { ...told, client }, events: { 'Client:ClientRead': client, CPU: told.cpu, 'IO:WalSync': told.disk } }
}

const idle: BoundEvidence = {
  generatorCpuSeconds: 0.5,
  totalCpuSeconds: 10,
  nullRecordsPerSecond: 1_000_000,
  recordsPerSecond: 200_000,
  elapsedSeconds: 10,
  machineUtilisation: 0.5,
  storeCpuSeconds: 4,
  connections: 2,
  busiestPart: { name: 'worker 1', cpuSeconds: 3, waitedSeconds: 1.5 },
  driverCpuSeconds: 6,
  driverAlone: true,
  offerWaitSeconds: 8,
  waits: waits({ cpu: 0.35, disk: 0.15 }),
  fsyncShare: 0.1,
  diskBusyShare: 0.3,
  ioStalledShare: 0.02,
}
const bound = (different: Partial<BoundEvidence>) => findBound({ ...idle, ...different }).by

test('nothing busy is unknown, and so is nothing known', () => {
  assert.is(bound({}), 'unknown')
  const blank = {
    generatorCpuSeconds: null,
    totalCpuSeconds: null,
    nullRecordsPerSecond: null,
    machineUtilisation: null,
    storeCpuSeconds: null,
    connections: null,
    busiestPart: null,
    driverCpuSeconds: null,
    driverAlone: false,
    offerWaitSeconds: null,
    waits: null,
    fsyncShare: null,
    diskBusyShare: null,
    ioStalledShare: null,
  }
  assert.is(bound(blank), 'unknown')
  assert.ok(Object.values(findBound({ ...idle, ...blank }).figures).every((figure) => figure === null))
})

test('machine: a container was stopped by its CPU limit, though cores were free and a thread seems to have had work', () => {
  const limited = {
    throttledShare: 0.8,
    machineUtilisation: 0.3,
    connections: 1,
    busiestPart: { name: 'main', cpuSeconds: 5, waitedSeconds: 5 },
  }
  assert.is(bound(limited), 'machine')
  assert.is(bound({ ...limited, offerWaitSeconds: 0.1 }), 'machine')
  assert.match(
    findBound({ ...idle, ...limited }).evidence[0] ?? '',
    "the container's CPU limit stopped its processes in 80% of the time slices",
  )
  assert.is(findBound({ ...idle, ...limited }).figures['throttledShare'], 0.8)
  assert.is(bound({ ...limited, throttledShare: 0.2 }), 'target')
})

test('generator: its share of the CPU, the null store, its own thread, or a target that waits for it', () => {
  assert.is(bound({ generatorCpuSeconds: 2 }), 'generator')
  assert.is(bound({ recordsPerSecond: 900_000 }), 'generator')
  assert.is(bound({ driverCpuSeconds: 9 }), 'generator')
  assert.is(bound({ offerWaitSeconds: 0.1 }), 'generator')
  // A target that works in the driver's thread may do so while nobody waits in offer().
  assert.is(bound({ offerWaitSeconds: 0.1, connections: 1, busiestPart: { name: 'thread', cpuSeconds: 9 } }), 'target')
  assert.is(bound({ offerWaitSeconds: 0.1, machineUtilisation: 0.97 }), 'machine')
  // One that does nothing waits for what it has offered, not the other way round.
  assert.is(bound({ offerWaitSeconds: 0.1, driverCpuSeconds: 0.1 }), 'unknown')
  assert.is(bound({ driverCpuSeconds: 9, driverAlone: false }), 'unknown')
})

test('machine: all cores busy, nobody with a core of its own, and somebody kept waiting for one', () => {
  assert.is(bound({ machineUtilisation: 0.97 }), 'machine')
  assert.is(bound({ machineUtilisation: 0.97, busiestPart: { name: 'worker 1', cpuSeconds: 9 } }), 'machine')
  assert.is(bound({ machineUtilisation: 0.97, connections: 1, busiestPart: { name: 'thread', cpuSeconds: 5 } }), 'machine')
  assert.is(
    bound({ machineUtilisation: 0.97, storeWaitedSeconds: 4, busiestPart: { name: 'worker 1', cpuSeconds: 5, waitedSeconds: 0 } }),
    'machine',
  )
  assert.is(bound({ machineUtilisation: 0.97, busiestPart: { name: 'worker 1', cpuSeconds: 5, waitedSeconds: 0.2 } }), 'unknown')
})

test('a single thread or connection that has a core to itself is the bound even where all cores are busy', () => {
  const single = { machineUtilisation: 0.97, connections: 1, storeCpuSeconds: 4 }
  assert.is(bound({ ...single, busiestPart: { name: 'thread', cpuSeconds: 9 } }), 'target')
  assert.is(bound({ ...single, busiestPart: { name: 'thread', cpuSeconds: 7, waitedSeconds: 2.5 } }), 'target')
  assert.is(bound({ ...single, busiestPart: { name: 'thread', cpuSeconds: 4, waitedSeconds: 5.5 } }), 'machine')
  assert.is(bound({ ...single, storeCpuSeconds: 9.5, busiestPart: { name: 'thread', cpuSeconds: 9 } }), 'store')
})

test('store: its connections on the CPU, behind locks, or hardly ever waiting for the target', () => {
  assert.is(bound({ storeCpuSeconds: 18 }), 'store')
  assert.is(bound({ waits: waits({ lock: 0.6 }) }), 'store')
  assert.is(bound({ waits: waits({ lock: 0.6 }), machineUtilisation: 0.97 }), 'store')
  assert.is(bound({ waits: waits({ other: 0.3, lock: 0.3 }) }), 'store')
  assert.is(bound({ waits: waits({ cpu: 0.5, lock: 0.25 }) }), 'store')
})

test('target: its busiest part on the CPU, or a store that waits for it although its way is short', () => {
  assert.is(bound({ busiestPart: { name: 'worker 1', cpuSeconds: 9.5 } }), 'target')
  assert.is(bound({ storeCpuSeconds: 18, busiestPart: { name: 'worker 1', cpuSeconds: 9.9 } }), 'target')
  assert.is(bound({ waits: waits({ cpu: 0.1 }) }), 'target')
  assert.is(bound({ waits: waits({ cpu: 0.1 }), storeCpuSeconds: null }), 'unknown')
})

test('disk: the connections wait for it, or fsync takes most of their time, or it is always busy and is waited for', () => {
  assert.is(bound({ waits: waits({ disk: 0.6 }) }), 'disk')
  assert.is(bound({ waits: waits({ disk: 0.6 }), machineUtilisation: 0.97 }), 'disk')
  assert.is(bound({ waits: null, fsyncShare: 0.7 }), 'disk')
  assert.is(bound({ waits: waits({ disk: 0.35, lock: 0.2 }) }), 'disk')
  assert.is(bound({ waits: waits({ disk: 0.3, cpu: 0.2 }), diskBusyShare: 0.95 }), 'disk')
  assert.is(bound({ waits: null, diskBusyShare: 0.95 }), 'disk')
  assert.is(bound({ waits: waits({ disk: 0.45, cpu: 0.3 }) }), 'disk')
})

test('a disk that is busy with what nobody waits for bounds nobody', () => {
  assert.is(bound({ waits: waits({ disk: 0.1, cpu: 0.4 }), diskBusyShare: 0.95 }), 'unknown')
  assert.is(bound({ waits: waits({ disk: 0.1, cpu: 0.4 }), diskBusyShare: 0.95, storeCpuSeconds: 18 }), 'store')
})

test('a few looks are an anecdote, but a store that counts need not look', () => {
  assert.is(bound({ waits: waits({ disk: 0.9 }, 9) }), 'unknown')
  assert.is(bound({ waits: waits({ disk: 0.9 }, 0) }), 'disk')
})

test('a store that tells only some of it is believed in that', () => {
  const kinds = { client: null, cpu: null, disk: 0.6, lock: null, other: null }
  assert.is(bound({ waits: { looks: 0, events: {}, kinds } }), 'disk')
  assert.is(bound({ waits: { looks: 0, events: {}, kinds: { ...kinds, disk: 0.1 } } }), 'unknown')
})

test('the first sentence is why, the others are what else was seen; every figure is there', () => {
  const { evidence, figures } = findBound({ ...idle, storeCpuSeconds: 18 })
  assert.is(evidence[0], 'the store used 90% of a core for each connection')
  assert.is(new Set(evidence).size, evidence.length)
  assert.match(evidence.join('; '), 'Client:ClientRead 50%, CPU 35%, IO:WalSync 15%')
  assert.is(figures['storeCpuPerConnection'], 0.9)
  assert.is(figures['waitDisk'], 0.15)
  assert.is(figures['waitedForCore'], 0.15)
})

test.run()
