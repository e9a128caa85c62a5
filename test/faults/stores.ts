/** The stores that faults are tried on. */
import { debianBinary } from '../../stores/clickhouse/debian-server.testing.js'
import { isInstalled } from '../../stores/clickhouse/embedded.js'
import { OwnClickHouse } from './own-clickhouse.js'
import { OwnPostgres } from './own-postgres.js'

/** A server of the tests' own. */
export interface OwnServer {
  readonly url: string
  /** The same server with another password, and as a user who may not create anything. */
  readonly wrongPassword: string
  readonly withoutRights: string
  /** What no message may show. */
  readonly secrets: readonly string[]
  /** Resolves when it answers; at once when it runs already. */
  start(): Promise<void>
  /** At once, as if somebody had pulled the plug of its process. */
  stop(): Promise<void>
  /** Whether rows of the full-speed leg of a target lie there. */
  holds(target: string): Promise<boolean>
  /** Rows of the full-speed leg of a target that lie there. */
  rows(target: string): Promise<number>
  /** Drops whatever runs left there. */
  clear(): Promise<void>
  close(): Promise<void>
}

/** A store, how to come by a server of it, and what Weir says of its faults. */
export interface FaultyStore {
  readonly name: string
  /** Weir's own name for the embedded server. */
  readonly embedded: string
  readonly scheme: string
  /** The targets that are tried. */
  readonly targets: readonly string[]
  /** Why it cannot be tried here; undefined when it can. */
  readonly missing?: string
  readonly own: () => Promise<OwnServer>
  /** What a message calls the store. */
  readonly called: RegExp
  readonly says: {
    readonly wrongPassword: RegExp
    readonly withoutRights: RegExp
    readonly stranger: RegExp
    readonly silence: RegExp
    /** The server went while a run wrote to it. */
    readonly gone: RegExp
  }
  /** The smallest tmpfs, in megabytes, that an embedded server starts on and soon fills. */
  readonly smallDiskMb: number
  readonly diskFull: RegExp
}

export const faultyPostgres: FaultyStore = {
  name: 'Postgres',
  embedded: 'postgres',
  scheme: 'postgres',
  targets: ['single-thread', 'worker-pool', 'multi-instance'],
  own: () => OwnPostgres.create(),
  called: /Postgres at postgres:\/\//,
  says: {
    wrongPassword: /the password is wrong/,
    withoutRights: /the user meek may not create schemas in postgres: GRANT CREATE/,
    stranger: /is it Postgres that listens there\?/,
    silence: /it did not answer/,
    gone: /ECONNREFUSED|terminat|closed the connection|starting up|shutting down/,
  },
  smallDiskMb: 120,
  diskFull: /No space left on device|disk is full|no space left/i,
}

export const faultyClickHouse: FaultyStore = {
  name: 'ClickHouse',
  embedded: 'clickhouse',
  scheme: 'http',
  targets: ['single-thread', 'worker-pool'],
  ...(debianBinary() !== undefined && isInstalled() ? {} : { missing: 'clickhouse-server and chdb' }),
  own: () => OwnClickHouse.create(),
  called: /ClickHouse at http:\/\//,
  says: {
    wrongPassword: /user or password is wrong/,
    withoutRights: /the user may only read: name one who may create databases/,
    stranger: /what answers there (is no ClickHouse|does not speak HTTP)/,
    silence: /no answer came in time/,
    gone: /ECONNREFUSED|ECONNRESET|hang up|closed the connection|connection was closed/,
  },
  smallDiskMb: 120,
  diskFull: /no space left|disk is full|not enough space/i,
}
