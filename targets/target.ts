/** The contract of a target: everything between a line leaving its producer and its image lying in a store. */
import type { Chunk } from '../generators/record.js'
import type { Image, Settlement, Store } from '../stores/store.js'

export type { Chunk, Range } from '../generators/record.js'
export type { Fate, Image, Settlement } from '../stores/store.js'

export interface Target {
  /** Takes a chunk in. Resolves when the target is ready for the next one: this is the back-pressure. */
  offer(chunk: Chunk): Promise<void>
  /** Resolves once every record offered has met its fate; rejects with the signal's reason when it is aborted. */
  drain(signal: AbortSignal): Promise<void>
  /** Stops every part and frees everything, drained or not. Idempotent. */
  close(): Promise<void>
  /** The processes and threads it runs in now, for the accounts of CPU and memory and for crash injection. */
  parts(): readonly Part[]
  /** What went wrong last, for the message when nothing is settled any more. */
  trouble?(): string | undefined
  /** Counters of the target's own, for the result: conflicts, files, bytes copied. */
  counters?(): Promise<Readonly<Record<string, number>>> | Readonly<Record<string, number>>
}

export interface Part {
  readonly name: string
  readonly kind: 'thread' | 'process'
  /** Process id: the part's own, or that of the process whose thread it is. */
  readonly pid: number
  /** Of a thread: its number with the operating system, for an account of its own; absent where that is not known. */
  readonly tid?: number | undefined
  /** Ends it without a warning, for crash injection; absent where nothing but the whole process can be ended. */
  kill?(): Promise<void>
}

/** One option of a target: becomes a flag, a WEIR_ variable and a line of help. */
export interface OptionSpec {
  readonly type: 'count' | 'milliseconds' | 'bytes' | 'flag' | 'word'
  readonly default: OptionValue
  readonly min?: number
  readonly max?: number
  /** Of a word: which there are. */
  readonly words?: readonly string[]
  /** What the store says is its own best value, unless the user says otherwise. */
  readonly store?: 'batchRecords'
  readonly summary: string
}

export type OptionSpecs = Readonly<Record<string, OptionSpec>>

/** A number in the unit of its type, a boolean for a flag, or a word. */
export type OptionValue = number | boolean | string

/** Values of options that nobody knows here. */
export type OptionSet = Readonly<Record<string, OptionValue>>

/** The values of a set of options. */
export type OptionValues<S extends OptionSpecs> = string extends keyof S
  ? OptionSet
  : { readonly [K in keyof S]: S[K]['type'] extends 'flag' ? boolean : S[K]['type'] extends 'word' ? string : number }

export interface TargetContext<S extends OptionSpecs = OptionSpecs> {
  readonly store: Store
  /** Reports what became of records; the driver stamps the time of the call. */
  settle(settlement: Settlement): void
  /**
   * Takes a chunk's lines back, once they are needed no more and nobody will read them again: the next chunk is rendered into
   * their memory. Optional, and worth a third of the producer's time: new memory for each chunk has to be found, and collected.
   */
  recycle(lines: Uint8Array): void
  readonly options: OptionValues<S>
  /** A folder of this run's own, removed after it: spools, sockets. */
  readonly scratch: string
}

export interface TargetModule<S extends OptionSpecs = OptionSpecs> {
  readonly name: string
  /** A sentence for `weir list`. */
  readonly summary: string
  readonly options: S
  image(options: OptionValues<S>): Image
  /** Stores that it cannot run on, with the reason; undefined when it can. */
  unsupported?(store: Pick<Store, 'logfiles' | 'scanner' | 'address' | 'lacks'>): string | undefined
  open(context: TargetContext<S>): Promise<Target>
}

/** Ties the options' types to the code that reads them; everybody else gives values that were read by their specifications. */
export function defineTarget<const S extends OptionSpecs>(module: TargetModule<S>): TargetModule {
  return module as unknown as TargetModule
}
