/** The contract of a service: an HTTP server that Weir runs beside, or instead of, an ingestion. */
import type { Store } from '../stores/store.js'

export interface ServiceOptions {
  /** The run that it is about; stays its owner's, who closes it after the service. */
  readonly store: Store
  readonly host: string
  /** 0: any free one. */
  readonly port: number
  /** What callers have to show, as a bearer token; undefined: nothing. Never printed. */
  readonly token?: string
  /** Told, once, what went wrong with the store: callers learn only that something did. */
  onTrouble?(message: string): void
}

export interface RunningService {
  /** Where it listens: 'http://127.0.0.1:8080'. */
  readonly url: string
  /** Takes no more connections, answers what is under way, and frees the port. Idempotent. */
  close(): Promise<void>
}

export interface ServiceModule {
  readonly name: string
  /** A sentence for help. */
  readonly summary: string
  /** Resolves when it listens. @throws Error that says what was wrong and what to do; nothing listens then */
  start(options: ServiceOptions): Promise<RunningService>
  /** Its OpenAPI document; needs no store. */
  openapi(): Promise<object>
}
