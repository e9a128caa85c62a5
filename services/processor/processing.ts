/** Turns objects into rows: registers each with the records that no other has brought, and writes them and its claim in one transaction. */
import { BufferPool } from '../../generators/buffer-pool.js'
import type { Format } from '../../generators/record.js'
import type { Keyring } from '../../objects/keys.js'
import { type LineObject, openLines, RefusedObjectError } from '../../objects/line-object.js'
import { MissingObjectError, type Objects } from '../../objects/objects.js'
import { Bell } from '../../stores/bell.js'
import { openStore } from '../../stores/index.js'
import {
  type Claim,
  ClaimLostError,
  InDoubtError,
  type Logfiles,
  type Receipt,
  type Store,
  type StoreAddress,
  type Writer,
} from '../../stores/store.js'
import { chunksOf } from './pieces.js'
import { Registrar } from './registrar.js'
import { Supply } from './supply.js'

export interface ProcessingOptions {
  readonly objects: Objects
  /** Stays its owner's. */
  readonly store: Store
  readonly keys: Keyring | undefined
  /** What its claims are called: no two processors have the same. */
  readonly owner: string
  /** After which the object in the hands of a processor that died is taken over. */
  readonly leaseMs: number
  /** How often it looks for objects unasked. */
  readonly pollMs: number
  /** Objects are removed once their rows are stored. */
  readonly removes: boolean
  onDone?(done: DoneObject): void
  onTrouble?(message: string): void
}

export interface DoneObject {
  /** Its number among the registered ones. */
  readonly id: number
  readonly name: string
  readonly receipt: Receipt
  /** Records of the object that others had brought. */
  readonly known: number
  readonly bytes: number
  /** From taking the object to its rows being stored. */
  readonly elapsedMs: number
}

/** An object in hand. */
interface Opened {
  readonly object: LineObject
  /** As it was stored: its lines may lie in there. */
  readonly bytes: Uint8Array
}

interface Taken extends Opened {
  readonly claim: Claim
}

/** Objects that should have been removed are looked for this often, from the start on. */
const sweepMs = 300_000
/** Asked for at once. */
const namesAtOnce = 1000

export class Processing {
  private readonly logfiles: Logfiles
  private readonly registrar: Registrar
  private readonly supply: Supply
  private readonly bell = new Bell()
  private readonly buffers = new BufferPool()
  private readonly ways = new Map<Format, Promise<{ readonly store: Store; readonly writer: Writer }>>()
  private stopping = false
  private lastTakeover = Number.NEGATIVE_INFINITY
  private lastSweep = Number.NEGATIVE_INFINITY
  private lastTrouble: string | undefined
  private hands: Promise<void>[] = []
  inHand = 0
  conflicts = 0
  takeovers = 0

  /** @throws Error when the store has no claims */
  constructor(private readonly options: ProcessingOptions) {
    const { store, objects } = options
    if (store.logfiles === undefined) {
      throw new Error(`the store ${store.address.store} cannot be written to by processors: ${store.lacks.claims ?? 'it has no claims'}`)
    }
    this.logfiles = store.logfiles
    this.registrar = new Registrar(store.logfiles)
    this.supply = new Supply({ objects, registrar: this.registrar })
  }

  /** Objects that were seen and are nobody's yet. */
  get waiting(): number {
    return this.supply.waiting
  }

  /** Objects that must not become rows. */
  get refused(): number {
    return this.supply.refusals
  }

  /** What the last try met with; undefined when it went well. */
  get trouble(): string | undefined {
    return this.lastTrouble
  }

  /** Begins. As many objects are in hand as the store takes batches of one writer. */
  start(): void {
    this.hands = Array.from({ length: this.options.store.batchesAtOnce }, () => this.hand())
  }

  /** There may be objects. */
  rouse(): void {
    this.bell.ring()
  }

  /** Finishes what is in hand. Idempotent. */
  async stop(): Promise<void> {
    this.stopping = true
    this.rouse()
    await Promise.all(this.hands)
    for (const way of this.ways.values()) {
      const { writer, store } = await way.catch(() => ({ writer: undefined, store: undefined }))
      await writer?.close()
      await store?.close()
    }
    this.ways.clear()
  }

  private async hand(): Promise<void> {
    const { pollMs } = this.options
    while (!this.stopping) {
      try {
        const worked = await this.step()
        this.lastTrouble = undefined
        if (!worked) await this.sweep()
        if (!worked && !this.stopping) await this.bell.nextWithin(pollMs)
      } catch (error) {
        this.tell(error instanceof Error ? error.message : String(error))
        if (!this.stopping) await this.bell.nextWithin(pollMs)
      }
    }
  }

  /** One object; false when there was none. */
  private async step(): Promise<boolean> {
    const begin = performance.now()
    const taken = (await this.takeOver()) ?? (await this.takeNew())
    if (taken === 'none') return false
    if (taken === 'again') return true
    this.inHand++
    try {
      await this.write(taken, begin)
    } finally {
      this.inHand--
    }
    return true
  }

  /** Removes objects that are rows and still there: who stored their rows ended before it removed them, or could not. */
  private async sweep(): Promise<void> {
    const { objects, removes } = this.options
    if (!removes || performance.now() - this.lastSweep < sweepMs) return
    this.lastSweep = performance.now()
    const known = new Set<string>()
    for (let after = ''; ; ) {
      const names = await objects.list(after, namesAtOnce)
      for (const name of names) if (this.registrar.has(name)) known.add(name)
      after = names.at(-1) ?? ''
      if (names.length < namesAtOnce) break
    }
    for (let after = 0; known.size > 0; ) {
      const files = await this.logfiles.registered(after, namesAtOnce)
      for (const { path, done } of files) if (known.delete(path) && done) await objects.remove(path)
      after = files.at(-1)?.id ?? after
      if (files.length < namesAtOnce) return
    }
  }

  /** One that was registered by a processor of which nothing has been heard since; looked for now and then. */
  private async takeOver(): Promise<Taken | undefined> {
    const { owner, leaseMs } = this.options
    if (performance.now() - this.lastTakeover < leaseMs / 2) return undefined
    const { claim, conflicts } = await this.logfiles.claim(owner, leaseMs)
    this.conflicts += conflicts
    if (claim === undefined) {
      this.lastTakeover = performance.now()
      return undefined
    }
    this.takeovers++
    try {
      return { claim, ...(await this.open(claim.logfile.path)) }
    } catch (error) {
      // Others may have better luck with it once the lease has run out; there may be more to take over meanwhile.
      if (error instanceof MissingObjectError || error instanceof RefusedObjectError)
        throw new Error(`the object ${claim.logfile.path} was registered, and cannot become rows any more: ${error.message}`)
      throw error
    }
  }

  private async takeNew(): Promise<Taken | 'none' | 'again'> {
    const { owner, leaseMs } = this.options
    const name = await this.supply.next()
    if (name === undefined) return 'none'
    try {
      const opened = await this.open(name)
      const claim = await this.registrar.register(name, opened.object.stretches, owner, leaseMs)
      if (claim !== undefined) return { claim, ...opened }
      this.buffers.give(opened.bytes)
      this.conflicts++
      return 'again'
    } catch (error) {
      // Somebody else has made rows of it and removed it.
      if (error instanceof MissingObjectError) return 'again'
      if (!(error instanceof RefusedObjectError)) throw error
      if (this.supply.refuse(name)) this.options.onTrouble?.(`the object ${name} is refused: ${error.message}`)
      return 'again'
    } finally {
      this.supply.giveBack(name)
    }
  }

  private async write({ claim, object, bytes }: Taken, begin: number): Promise<void> {
    const { leaseMs, objects, removes, onDone } = this.options
    const { id, path: name, ranges } = claim.logfile
    const renewing = setInterval(() => void this.logfiles.renew(claim, leaseMs).catch(() => undefined), leaseMs / 3)
    try {
      const { writer } = await this.way(object.format)
      const receipt = await writer.write(chunksOf(object, ranges), claim).catch((error: unknown) => {
        if (error instanceof InDoubtError) return this.afterDoubt(id, error)
        throw error
      })
      const records = (of: readonly { readonly count: number }[]) => of.reduce((sum, { count }) => sum + count, 0)
      onDone?.({
        id,
        name,
        receipt,
        known: records(object.stretches) - records(ranges),
        bytes: object.lines.length,
        elapsedMs: performance.now() - begin,
      })
      if (removes) await objects.remove(name)
    } catch (error) {
      if (!(error instanceof ClaimLostError)) throw error
      this.conflicts++
    } finally {
      clearInterval(renewing)
      this.buffers.give(bytes)
    }
  }

  /**
   * What became of an object whose commit was not answered. The store is asked for as long as the claim would last.
   * @throws the doubt, when it was not stored so far as is known: it is taken over later, by whoever comes
   */
  private async afterDoubt(id: number, doubt: InDoubtError): Promise<Receipt> {
    const { leaseMs, pollMs } = this.options
    this.tell(doubt.message)
    for (const deadline = performance.now() + leaseMs; performance.now() < deadline; ) {
      const [outcome] = await this.logfiles.outcomes([id]).catch(() => [])
      if (outcome !== undefined) return outcome.receipt
      await new Promise((done) => setTimeout(done, pollMs))
    }
    throw doubt
  }

  private async open(name: string): Promise<Opened> {
    const bytes = await this.options.objects.get(name, this.buffers)
    return { object: openLines(bytes, this.options.keys), bytes }
  }

  /** Lines of another format are read by a writer of their own. */
  private way(format: Format) {
    const found = this.ways.get(format)
    if (found !== undefined) return found
    const opening = this.openWay({ ...this.options.store.address, format })
    this.ways.set(format, opening)
    opening.catch(() => this.ways.delete(format))
    return opening
  }

  private async openWay(address: StoreAddress) {
    const store = await openStore(address)
    try {
      return { store, writer: await store.writer() }
    } catch (error) {
      await store.close()
      throw error
    }
  }

  /** The same trouble is told once, however often it is met with. */
  private tell(message: string): void {
    if (message !== this.lastTrouble) this.options.onTrouble?.(message)
    this.lastTrouble = message
  }
}
