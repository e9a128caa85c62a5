/** What a leg at full speed used, and what bounded it: from a contender's accounts to the parts of the result document. */
import { type BoundEvidence, type BusiestPart, findBound } from '../results/bound.js'
import type { BoundFinding, Cpu, Disk, Memory, Run, StoreWaits } from '../results/result.js'
import { type GeneratorEvidence, generatorShare } from '../results/verdict.js'
import type { Contender } from './contender.js'

/** What the session knows of a run beside its contender. */
export interface Yardstick extends Pick<GeneratorEvidence, 'nullRecordsPerSecond' | 'recordsPerSecond'> {
  /** Of rendering all records that were offered; null when it could not be measured. */
  readonly generatorCpuSeconds: number | null
  readonly generatorLagP99Ms: number | null
  /** Records were offered when they were due: how long the driver waited for the target says nothing then. */
  readonly paced?: boolean
}

/** Whose accounts are told: a contender, or whatever else was measured. */
export interface Measured extends Pick<Contender, 'accounts' | 'connections' | 'elapsedMs' | 'offerMs'> {
  readonly waits: { report(): StoreWaits | undefined } | undefined
  readonly ledger: { readonly tally: { readonly stored: number } }
  readonly spec: { readonly site: { readonly server: { readonly store: string } } }
}

export interface BoundReport extends Pick<Run, 'bound' | 'cpu' | 'memory' | 'disk' | 'storeWaits'> {
  readonly bound: BoundFinding
  /** For the verdict, which rests on the same figures. */
  readonly evidence: GeneratorEvidence
}

/** Of all blocks of the leg together. */
export function boundReport(contender: Measured, { paced = false, ...yardstick }: Yardstick): BoundReport {
  const { generatorCpuSeconds } = yardstick
  const { cpu } = contender.accounts
  const total = totalCpu(contender)
  const evidence: BoundEvidence = {
    ...yardstick,
    totalCpuSeconds: total > 0 ? total : null,
    elapsedSeconds: contender.elapsedMs / 1000,
    machineUtilisation: cpu.machineTotal > 0 ? cpu.machineBusy / cpu.machineTotal : null,
    throttledShare: cpu.periods > 0 ? cpu.throttledPeriods / cpu.periods : null,
    storeCpuSeconds: cpu.store,
    connections: contender.connections,
    busiestPart: busiestPart(contender, generatorCpuSeconds ?? 0),
    storeWaitedSeconds: cpu.storeWaited,
    driverCpuSeconds: cpu.main,
    driverAlone: Object.keys(cpu.parts).length > 0 && Object.values(cpu.parts).every(({ main }) => !main),
    offerWaitSeconds: paced ? null : contender.offerMs / 1000,
    ...waitsOf(contender),
    ...diskEvidence(contender),
  }
  return {
    evidence,
    bound: findBound(evidence),
    cpu: cpuOf(contender, evidence),
    memory: memoryOf(contender),
    disk: diskOf(contender),
    storeWaits: waitsOf(contender).waits,
  }
}

/** CPU seconds of generator, driver, target and store. */
export function totalCpu(contender: Pick<Contender, 'accounts'>): number {
  return ownCpu(contender) + (contender.accounts.cpu.store ?? 0)
}

/** The same without the store; threads are in Weir's own account. */
export function ownCpu({ accounts: { cpu } }: Pick<Contender, 'accounts'>): number {
  const processes = Object.values(cpu.parts).filter(({ kind }) => kind === 'process')
  return cpu.weir + processes.reduce((sum, { seconds }) => sum + seconds, 0)
}

/**
 * The part whose thread worked most. The generator's work is taken off where the part shares Weir's main thread with it.
 * Where the system does not tell threads apart: what Weir used beside the generator, shared out evenly.
 */
function busiestPart({ accounts: { cpu }, connections }: Measured, generatorCpu: number): BusiestPart | null {
  const parts = Object.entries(cpu.parts).map(([name, { busiest, waited, main }]) => ({
    name,
    cpuSeconds: Math.max(0, main ? busiest - generatorCpu : busiest),
    waitedSeconds: waited,
  }))
  const [first] = parts.sort((a, b) => b.cpuSeconds - a.cpuSeconds)
  if (first !== undefined) return first
  return connections > 0 ? { name: 'thread', cpuSeconds: Math.max(0, cpu.weir - generatorCpu) / connections } : null
}

function waitsOf({ waits }: Measured): { readonly waits: StoreWaits | null; readonly fsyncShare: number | null } {
  const report = waits?.report()
  return { waits: report ?? null, fsyncShare: report?.figures['walFsyncShare'] ?? null }
}

function diskEvidence(contender: Measured): Pick<BoundEvidence, 'diskBusyShare' | 'ioStalledShare'> {
  const { device, ioStalledShare } = diskOf(contender)
  return { diskBusyShare: device?.busyShare ?? null, ioStalledShare }
}

function cpuOf(contender: Measured, evidence: BoundEvidence): Cpu {
  const { cpu } = contender.accounts
  const { generatorCpuSeconds, machineUtilisation, totalCpuSeconds } = evidence
  const generator = generatorCpuSeconds ?? 0
  const target = Object.entries(cpu.parts).map(
    ([name, { seconds, main }]) => [name, main ? Math.max(0, seconds - generator) : seconds] as const,
  )
  // A store that keeps nothing has no processes of its own: what it costs is Weir's.
  const known = cpu.store !== null || contender.spec.site.server.store === 'null'
  const worked = (totalCpuSeconds ?? 0) - generator
  return {
    generator,
    weir: cpu.weir,
    target: target.length === 0 ? { threads: Math.max(0, cpu.weir - generator) } : Object.fromEntries(target),
    store: cpu.store,
    total: totalCpuSeconds ?? 0,
    generatorShare: generatorShare(evidence),
    machineUtilisation,
    recordsPerSecondPerCore: known && worked > 0 ? contender.ledger.tally.stored / worked : null,
  }
}

function memoryOf({ accounts: { memory } }: Measured): Memory {
  return { weirBytes: memory.weir, targetBytes: memory.target, target: memory.parts, storeBytes: memory.store }
}

function diskOf({ accounts, ledger }: Measured): Disk {
  const { disk, holder, ioStalledMs, elapsedMs } = accounts
  const { device } = disk
  const { stored } = ledger.tally
  return {
    weirBytes: disk.weir,
    target: disk.parts,
    storeBytes: disk.store,
    storeBytesPerRecord: disk.store !== null && stored > 0 ? disk.store / stored : null,
    device:
      device === null
        ? null
        : {
            disks: holder.disks,
            writtenBytes: device.bytes,
            writes: device.writes,
            flushes: device.flushes,
            busyShare: device.elapsedMs > 0 ? Math.min(1, device.busyMs / device.elapsedMs) : null,
          },
    ...(device === null ? { unknown: holder.unknown ?? 'the system keeps no account of that disk' } : {}),
    ioStalledShare: ioStalledMs === null || elapsedMs <= 0 ? null : ioStalledMs / elapsedMs,
  }
}
