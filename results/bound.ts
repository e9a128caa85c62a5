/** What kept a run from being faster, decided by explicit rules from evidence alone. */
import type { Bound, BoundFinding, StoreWaits } from './result.js'
import { type GeneratorEvidence, generatorBound, generatorShare, percent } from './verdict.js'

/** What `findBound` looks at, all of the full-speed leg. Null stands for what was not or could not be measured. */
export interface BoundEvidence extends GeneratorEvidence {
  readonly elapsedSeconds: number
  /** CPU seconds used by everything on the machine over cores x elapsed, 0..1. */
  readonly machineUtilisation: number | null
  /** Share of the periods in which a container's CPU limit stopped its processes, 0..1; null where there is no limit. */
  readonly throttledShare?: number | null
  /** CPU seconds of the store's processes, when they run here. */
  readonly storeCpuSeconds: number | null
  /** Parts of the target, each with a connection that is served by one process or thread of the store. */
  readonly connections: number | null
  /** The part of the target (a thread or a single-threaded process) that used most CPU. */
  readonly busiestPart: BusiestPart | null
  /** The store's threads were ready to run for so long while no core was free. */
  readonly storeWaitedSeconds?: number | null
  /** CPU seconds of Weir's main thread, the driver's. */
  readonly driverCpuSeconds?: number | null
  /** No part of the target runs in that thread. */
  readonly driverAlone?: boolean
  /** Time that the driver waited in offer() for the target to take more. */
  readonly offerWaitSeconds: number | null
  /** What the store's connections did. */
  readonly waits?: Pick<StoreWaits, 'events' | 'kinds' | 'looks'> | null
  /** Time in fsync of the log, over the connections' time, 0..1. */
  readonly fsyncShare?: number | null
  /** Share of the time in which the disk under the store's data had something to do, 0..1. */
  readonly diskBusyShare?: number | null
  /** Share of the time in which everything on the machine waited for a disk, 0..1. */
  readonly ioStalledShare?: number | null
  /** Of the latency leg: from due to offered. */
  readonly generatorLagP99Ms?: number | null
}

export interface BusiestPart {
  readonly name: string
  readonly cpuSeconds: number
  /** Ready to run for so long while no core was free. */
  readonly waitedSeconds?: number | null
}

/** A thing that is busy for this share of the time leaves no room to go faster. */
const busy = 0.85
/** What something waits for, or does, for most of its time. */
const most = 0.5
/** The same where nothing else speaks for it. */
const clearlyMost = 0.6
/** A driver that waits less than this for its target is what the target waits for. */
const leastOfferWait = 0.1
/** Who was kept from a core for less than this share of the time was not held up by the machine, however busy it was. */
const leastCoreWait = 0.1
/** A disk that is busy with what nobody waits for this much does not hold up anybody. */
const leastDiskWait = 0.25
/** Looks at the connections below which their shares are an anecdote. */
const fewestLooks = 10

/** The evidence as shares of the time, 0..1; null where it is not there. */
interface Shares {
  readonly generator: number | null
  readonly driver: number | null
  readonly offerWait: number | null
  readonly machine: number | null
  readonly throttled: number | null
  readonly part: number | null
  /** The busiest part ran, or was ready to. */
  readonly partReady: number | null
  readonly store: number | null
  /** Part or store was ready to run while no core was free, whichever was more. */
  readonly coreWait: number | null
  readonly diskBusy: number | null
  readonly client: number | null
  readonly cpu: number | null
  readonly disk: number | null
  /** Locks and whatever else is neither disk nor client. */
  readonly blocked: number | null
}

interface Found {
  readonly by: Bound
  readonly because: string
}

type Rule = (shares: Shares, evidence: BoundEvidence) => Found | undefined

/**
 * What kept the run from being faster, by the first of these rules that the evidence supports:
 *
 * 1. generator: by the rules of `judge`; or the driver's own thread was busy; or it hardly ever waited for its target
 *    although it had work itself, while cores were free and the target was not busy.
 * 2. disk, store: the connections spent most of their time waiting, for the disk or for locks and the like. What waits
 *    needs no core, so this holds on a busy machine too.
 * 3. machine: a container's CPU limit stopped its processes most of the time, however free the machine's cores were.
 * 4. target, store: one thread that does everything, or the one connection, used all of a core, or was always ready to and
 *    mostly got one. More cores would not have helped, so this holds on a busy machine too.
 * 5. machine: all cores were busy, and target or store were kept waiting for one, as far as that is known. What several
 *    parts used says nothing then.
 * 6. store, target: several connections, or the busiest of several parts, used all of a core each.
 * 7. disk: it always had something to do, and the connections waited for it often enough.
 * 8. What is left is said by the connections: if they mostly waited for the target, it was the target; if they hardly
 *    did, it was the store, or the disk if they waited for that most. Where the store is elsewhere, waiting for a target
 *    that is not busy may be the way between the two, which is nobody's.
 */
export function findBound(evidence: BoundEvidence): BoundFinding {
  const shares = sharesOf(evidence)
  let found: Found = { by: 'unknown', because: 'nothing that was measured was busy, or waited for, throughout' }
  for (const rule of rules) {
    const candidate = rule(shares, evidence)
    if (candidate === undefined) continue
    found = candidate
    break
  }
  const others = contextOf(shares, evidence).filter((sentence) => sentence !== found.because)
  return { by: found.by, evidence: [found.because, ...others], figures: figuresOf(shares, evidence) }
}

const byGenerator: Rule = ({ driver, offerWait, machine, throttled, part }, evidence) => {
  const [reason] = generatorBound(evidence).reasons
  if (reason !== undefined) return { by: 'generator', because: reason }
  if (driver !== null && driver >= busy && evidence.driverAlone === true) {
    return { by: 'generator', because: `the driver's own thread used ${percent(driver)} of a core` }
  }
  const free = machine !== null && machine < busy && (throttled ?? 0) < most && (part ?? 0) < busy
  // A thread that is idle all the same waits for the end of what it has offered.
  if (offerWait === null || offerWait >= leastOfferWait || !free || (driver ?? 1) < most) return undefined
  return { by: 'generator', because: 'the driver hardly ever waited for the target, and the cores were not all busy' }
}

const byWaiting: Rule = ({ disk, blocked }, { fsyncShare }) => {
  const forDisk = Math.max(disk ?? 0, fsyncShare ?? 0)
  const forOthers = blocked ?? 0
  if (forDisk + forOthers < most) return undefined
  if (forDisk >= forOthers) return { by: 'disk', because: `the store's connections waited for the disk ${percent(forDisk)} of the time` }
  return { by: 'store', because: `the store's connections waited for locks and the like ${percent(forOthers)} of the time` }
}

const byLimit: Rule = ({ throttled }) =>
  throttled !== null && throttled >= most
    ? { by: 'machine', because: `the container's CPU limit stopped its processes in ${percent(throttled)} of the time slices` }
    : undefined

const bySingle: Rule = (shares, evidence) => {
  if (evidence.connections !== 1) return undefined
  const { part, partReady, store } = shares
  const found = byCores(shares, evidence)
  if (found !== undefined || part === null || partReady === null || part < (store ?? 0)) return found
  if (partReady < busy || part < most * partReady) return undefined
  const because = `the target's ${evidence.busiestPart?.name} had work ${percent(partReady)} of the time and got ${percent(part)} of a core`
  return { by: 'target', because }
}

const byMachine: Rule = ({ machine, coreWait }) =>
  machine !== null && machine >= busy && (coreWait === null || coreWait >= leastCoreWait)
    ? { by: 'machine', because: `all cores together were ${percent(machine)} busy` }
    : undefined

const byCores: Rule = ({ part, store }, { busiestPart }) => {
  if (store !== null && store >= busy && store >= (part ?? 0)) {
    return { by: 'store', because: `the store used ${percent(store)} of a core for each connection` }
  }
  if (part === null || part < busy) return undefined
  return { by: 'target', because: `the target's ${busiestPart?.name} used ${percent(part)} of a core` }
}

const byDevice: Rule = ({ diskBusy, disk }) =>
  diskBusy !== null && diskBusy >= busy && (disk === null || disk >= leastDiskWait)
    ? { by: 'disk', because: `the store's disk had work ${percent(diskBusy)} of the time` }
    : undefined

const byConnections: Rule = ({ client, cpu, disk, blocked, part }, { storeCpuSeconds }) => {
  if (client === null) return undefined
  if (client >= clearlyMost) {
    if (storeCpuSeconds === null && (part ?? 0) < most) return undefined
    return { by: 'target', because: `the store's connections waited for the target ${percent(client)} of the time` }
  }
  if (client > 1 - clearlyMost) return undefined
  const because = `the store's connections waited for the target only ${percent(client)} of the time`
  return { by: (disk ?? 0) > Math.max(cpu ?? 0, blocked ?? 0) ? 'disk' : 'store', because }
}

const rules: readonly Rule[] = [byGenerator, byWaiting, byLimit, bySingle, byMachine, byCores, byDevice, byConnections]

function sharesOf(evidence: BoundEvidence): Shares {
  const seconds = evidence.elapsedSeconds
  const per = (value: number | null | undefined, of: number) => (value === null || value === undefined || !(of > 0) ? null : value / of)
  const { waits } = evidence
  // A store that counts does not look.
  const kinds = waits && (waits.looks === 0 || waits.looks >= fewestLooks) ? waits.kinds : undefined
  const part = per(evidence.busiestPart?.cpuSeconds, seconds)
  const partWait = per(evidence.busiestPart?.waitedSeconds, seconds)
  const storeWait = per(evidence.storeWaitedSeconds, seconds * (evidence.connections ?? 0))
  const blocked = kinds === undefined || (kinds.lock === null && kinds.other === null) ? null : (kinds.lock ?? 0) + (kinds.other ?? 0)
  return {
    generator: generatorShare(evidence),
    driver: per(evidence.driverCpuSeconds, seconds),
    offerWait: per(evidence.offerWaitSeconds, seconds),
    machine: evidence.machineUtilisation,
    throttled: evidence.throttledShare ?? null,
    part,
    partReady: part === null ? null : part + (partWait ?? 0),
    coreWait: partWait === null ? storeWait : Math.max(partWait, storeWait ?? 0),
    store: per(evidence.storeCpuSeconds, seconds * (evidence.connections ?? 0)),
    diskBusy: evidence.diskBusyShare ?? null,
    client: kinds?.client ?? null,
    cpu: kinds?.cpu ?? null,
    disk: kinds?.disk ?? null,
    blocked,
  }
}

/** Events of the connections that are named in a sentence. */
const eventsNamed = 3

function contextOf(
  { generator, driver, offerWait, machine, throttled, part, store, coreWait, diskBusy }: Shares,
  evidence: BoundEvidence,
): string[] {
  const { waits, busiestPart, ioStalledShare } = evidence
  const said = (share: number | null, sentence: (text: string) => string) => (share === null ? [] : [sentence(percent(share))])
  const events = Object.entries(waits?.events ?? {}).slice(0, eventsNamed)
  return [
    ...(events.length === 0 ? [] : [`the store's connections: ${events.map(([event, share]) => `${event} ${percent(share)}`).join(', ')}`]),
    ...said(part, (text) => `the target's ${busiestPart?.name} used ${text} of a core`),
    ...said(store, (text) => `the store used ${text} of a core for each connection`),
    ...said(machine, (text) => `all cores together were ${text} busy`),
    ...said(throttled, (text) => `the container's CPU limit stopped its processes in ${text} of the time slices`),
    ...said(coreWait, (text) => `target or store was ready to run but had no core ${text} of the time`),
    ...said(diskBusy, (text) => `the store's disk had work ${text} of the time`),
    ...said(ioStalledShare ?? null, (text) => `everything waited for a disk ${text} of the time`),
    ...said(offerWait, (text) => `the driver waited ${text} of the time for the target`),
    ...said(driver, (text) => `the driver's own thread used ${text} of a core`),
    ...said(generator, (text) => `the generator used ${text} of the CPU`),
  ]
}

function figuresOf(shares: Shares, evidence: BoundEvidence): Record<string, number | null> {
  const { waits, nullRecordsPerSecond, recordsPerSecond } = evidence
  return {
    generatorShare: shares.generator,
    nullTimes: nullRecordsPerSecond === null || !(recordsPerSecond > 0) ? null : nullRecordsPerSecond / recordsPerSecond,
    driverThread: shares.driver,
    offerWaitShare: shares.offerWait,
    machineUtilisation: shares.machine,
    ...(shares.throttled === null ? {} : { throttledShare: shares.throttled }),
    busiestPart: shares.part,
    storeCpuPerConnection: shares.store,
    waitedForCore: shares.coreWait,
    waitClient: waits?.kinds.client ?? null,
    waitCpu: waits?.kinds.cpu ?? null,
    waitDisk: waits?.kinds.disk ?? null,
    waitLock: waits?.kinds.lock ?? null,
    waitOther: waits?.kinds.other ?? null,
    waitLooks: waits?.looks ?? null,
    fsyncShare: evidence.fsyncShare ?? null,
    diskBusyShare: shares.diskBusy,
    ioStalledShare: evidence.ioStalledShare ?? null,
    generatorLagP99Ms: evidence.generatorLagP99Ms ?? null,
  }
}
