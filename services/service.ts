/** The contract of a service: an HTTP server that Weir runs beside, or instead of, an ingestion. */
import type { Store } from '../stores/store.js'
import type { ProcessorSettings } from './processor/server.js'
import type { Balancer } from './receiver/instances/door.js'
import type { ReceiverSettings } from './receiver/server.js'

export interface ServiceOptions {
  readonly host: string
  /** 0: any free one. */
  readonly port: number
  /** What callers have to show, as a bearer token; undefined: nothing. Never printed. */
  readonly token?: string
  /** Told, once, what went wrong within: callers learn only that something did. */
  onTrouble?(message: string): void
}

/** For a service about one run. */
export interface RunServiceOptions extends ServiceOptions {
  /** The run; stays its owner's, who closes it after the service. */
  readonly store: Store
}

/** For a service that takes lines in. */
export interface IntakeServiceOptions extends ServiceOptions {
  readonly settings: ReceiverSettings
  /** Several processes behind one address; undefined: this process alone. */
  readonly scale?: { readonly instances: number; readonly balancer: Balancer } | undefined
}

/** A process that a service runs in, for accounts and for crash injection. */
export interface ServicePart {
  readonly name: string
  readonly kind: 'process'
  readonly pid: number
  /** Ends it without a warning. */
  kill(): Promise<void>
}

/** For a service between the two. */
export interface ProcessorServiceOptions extends RunServiceOptions {
  readonly settings: ProcessorSettings
}

export interface RunningService {
  /** Where it listens: 'http://127.0.0.1:8080'. */
  readonly url: string
  /** Takes no more connections, answers what is under way, and frees the port. Idempotent. */
  close(): Promise<void>
}

interface ServiceKind<Needs extends string, Options> {
  readonly name: string
  /** A sentence for help. */
  readonly summary: string
  /** What it is started on: a run in a store, a place of objects, or both. */
  readonly needs: Needs
  /** Resolves when it listens. @throws Error that says what was wrong and what to do; nothing listens then */
  start(options: Options): Promise<RunningService>
  /** Its OpenAPI document; needs nothing. */
  openapi(): Promise<object>
}

export type RunServiceModule = ServiceKind<'run', RunServiceOptions>
export type IntakeServiceModule = ServiceKind<'objects', IntakeServiceOptions>
export type ProcessorServiceModule = ServiceKind<'objects and run', ProcessorServiceOptions>
export type ServiceModule = RunServiceModule | IntakeServiceModule | ProcessorServiceModule
