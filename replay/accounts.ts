/** The accounts of a leg: CPU time, memory, bytes written and pressure on the disks, over its blocks and nothing in between. */
import { addCpu, type CountedPart, type CpuReading, noCpu, readCpu } from './accounts/cpu.js'
import { disksUnder, type Holder } from './accounts/device.js'
import { addDisk, type DiskReading, noDisk, readDisk } from './accounts/disk.js'
import { MemoryAccount } from './accounts/memory.js'
import { ioStalledMs } from './accounts/pressure.js'

/** How often memory is looked at: what lives for less is not seen. */
const lookMs = 250

/** Whose accounts are kept. */
export interface Accounted {
  parts(): readonly CountedPart[]
  /** Process ids of the store's server; empty when they are not known. */
  storeProcesses(): Promise<readonly number[]>
  /** Folder on this machine that holds the store's data; null when there is none or it is not known. */
  readonly dataFolder: string | null
}

interface Readings {
  readonly cpu: CpuReading
  readonly disk: DiskReading
  readonly stalledMs: number | null
  readonly atMs: number
}

export class Accounts {
  readonly cpu = noCpu()
  readonly memory = new MemoryAccount()
  readonly disk = noDisk()
  /** Time in which everything on the machine waited for a disk; null where the kernel keeps no account of it. */
  ioStalledMs: number | null = null
  /** Between the readings at both ends of the blocks. */
  elapsedMs = 0
  /** The disks that hold the store's data, or why they are not known. */
  readonly holder: Holder
  private opened: Readings | undefined
  private watching: NodeJS.Timeout | undefined
  private looking: Promise<void> = Promise.resolve()

  constructor(private readonly accounted: Accounted) {
    const { dataFolder } = accounted
    this.holder = dataFolder === null ? { disks: [], unknown: 'the store keeps its data elsewhere, or nowhere' } : disksUnder(dataFolder)
  }

  /** A block is about to begin. */
  async begin(): Promise<void> {
    this.opened = await this.read()
    this.watching = setInterval(() => {
      this.looking = this.look()
    }, lookMs)
  }

  /** It has ended: what was used in it is entered. */
  async end(): Promise<void> {
    clearInterval(this.watching)
    await this.looking
    await this.look()
    const { opened } = this
    this.opened = undefined
    if (opened === undefined) return
    const closed = await this.read()
    addCpu(this.cpu, opened.cpu, closed.cpu, this.accounted.parts())
    addDisk(this.disk, opened.disk, closed.disk)
    this.elapsedMs += closed.atMs - opened.atMs
    if (opened.stalledMs !== null && closed.stalledMs !== null) {
      this.ioStalledMs = (this.ioStalledMs ?? 0) + closed.stalledMs - opened.stalledMs
    }
  }

  private async read(): Promise<Readings> {
    const parts = this.accounted.parts()
    const pids = await this.accounted.storeProcesses()
    const disk = readDisk(parts, pids, this.holder.disks)
    return { disk, stalledMs: ioStalledMs(), cpu: readCpu(parts, pids), atMs: performance.now() }
  }

  private async look(): Promise<void> {
    // A server that has gone has no processes to look at.
    const pids = await this.accounted.storeProcesses().catch(() => [])
    this.memory.look(this.accounted.parts(), pids)
  }
}
