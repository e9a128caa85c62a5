/** One instance: a process that claims logfiles by optimistic locking and writes each with its claim in one transaction. */
import { readFile, unlink } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { Bell } from '../../stores/bell.js'
import { openStore } from '../../stores/index.js'
import { soleRange } from '../../stores/logfile-ranges.js'
import { type Claim, ClaimLostError, type Logfiles, type Writer } from '../../stores/store.js'
import type { FromInstance, InstanceOrders, ToInstance } from './messages.js'

export const instancePath = fileURLToPath(import.meta.url)

/** Files in hand at once: one is parsed while the other is on its way into the store. */
const filesInHand = 2

/** A coordinator that is gone needs to hear nothing. */
function say(message: FromInstance): void {
  if (process.connected) process.send?.(message, () => undefined)
}

/** Claims and writes until it is told to stop. */
class Instance {
  private stopping = false
  private readonly files = new Bell()
  private copied = { bytes: 0, records: 0 }
  private claiming: Promise<unknown> = Promise.resolve()

  constructor(
    private readonly orders: InstanceOrders,
    private readonly logfiles: Logfiles,
    private readonly writer: Writer,
  ) {}

  /** There may be files to claim. */
  rouse(): void {
    this.files.ring()
  }

  stop(): void {
    this.stopping = true
    this.rouse()
  }

  async run(): Promise<void> {
    await Promise.all(Array.from({ length: filesInHand }, () => this.loop()))
  }

  private async loop(): Promise<void> {
    while (!this.stopping) {
      try {
        const { claim, conflicts } = await this.claim()
        if (conflicts > 0 || claim !== undefined) say({ kind: 'claimed', id: claim?.logfile.id ?? -1, conflicts })
        if (claim === undefined) await this.files.nextWithin(this.orders.pollMs)
        else await this.take(claim)
      } catch (error) {
        say({ kind: 'trouble', id: undefined, message: error instanceof Error ? error.message : String(error) })
        await this.files.nextWithin(this.orders.pollMs)
      }
    }
  }

  /** One hand asks at a time: two would choose the same file, and what one loses to the other is no conflict with another instance. */
  private claim(): ReturnType<Logfiles['claim']> {
    const claim = this.claiming.then(() => this.logfiles.claim(this.orders.owner, this.orders.leaseMs))
    this.claiming = claim.catch(() => undefined)
    return claim
  }

  private async take(claim: Claim): Promise<void> {
    const { id, path } = claim.logfile
    const renewing = setInterval(() => void this.logfiles.renew(claim, this.orders.leaseMs).catch(() => undefined), this.orders.leaseMs / 3)
    try {
      const lines = await readFile(path)
      // The spool closes a file where a range ends.
      const receipt = await this.writer.write([{ ...soleRange(claim.logfile), lines }], claim)
      const copied = this.writer.copied()
      say({ kind: 'done', id, receipt, copiedBytes: copied.bytes - this.copied.bytes, copiedRecords: copied.records - this.copied.records })
      this.copied = copied
      await unlink(path).catch(() => undefined)
    } catch (error) {
      if (error instanceof ClaimLostError) return say({ kind: 'lost', id })
      // Its lease runs out, and whoever is free takes it again, unless it was committed after all.
      say({ kind: 'trouble', id, message: error instanceof Error ? error.message : String(error) })
      await this.files.nextWithin(this.orders.pollMs)
    } finally {
      clearInterval(renewing)
    }
  }
}

async function begin(orders: InstanceOrders): Promise<Instance> {
  const store = await openStore(orders.address)
  if (store.logfiles === undefined) throw new Error(`store ${orders.address.store} has no logfiles to claim`)
  return new Instance(orders, store.logfiles, await store.writer({ index: orders.index }))
}

// Only a child process with a channel is an instance; the coordinator imports this file for its path.
if (process.send !== undefined && process.argv[1] === instancePath) {
  let instance: Instance | undefined
  // The terminal's Ctrl-C reaches every process of the group: the coordinator decides when an instance stops.
  process.on('SIGINT', () => undefined)
  process.on('disconnect', () => process.exit(0))
  process.on('message', (message: ToInstance) => {
    if (message.kind === 'files') instance?.rouse()
    if (message.kind === 'stop') {
      if (instance === undefined) process.exit(0)
      instance.stop()
    }
    if (message.kind !== 'begin') return
    begin(message.orders)
      .then(async (opened) => {
        instance = opened
        say({ kind: 'ready' })
        await opened.run()
        process.exit(0)
      })
      .catch((error: unknown) => {
        say({ kind: 'trouble', id: undefined, message: error instanceof Error ? error.message : String(error) })
        process.exitCode = 1
        process.disconnect()
      })
  })
}
