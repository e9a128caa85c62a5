/** The contract of the analytics side: the named questions that every store answers alike, while it is written or after. */

/** Requests that an answerer sends to its store at once; whoever asks for more waits in the answerer. */
export const questionsAtOnce = 4

/** A question that takes longer is given up, milliseconds: the store is told to stop as well. */
export const patienceMs = 30_000

/** The page whose POSTs are logins, a query string aside. */
export const loginPage = '/login'

/**
 * How long after a login a later line may still say who it was, milliseconds. The server learns the user by the login, so
 * the login's own line names nobody: the visitor's next line does.
 */
export const loginMemoryMs = 86_400_000

/** Half-open in time: from <= created_at < to, milliseconds since the epoch; null: unbounded on that side. */
export interface TimeSpan {
  readonly fromMs: number | null
  readonly toMs: number | null
}

/** A stretch of an answer that is longer: rows offset .. offset+limit of its order. */
export interface Page {
  readonly limit: number
  readonly offset: number
}

/** Lengths of the stretches that hits are counted by, UTC. */
export const hitSteps = ['minute', 'hour', 'day'] as const
export type HitStep = (typeof hitSteps)[number]

/** What can be counted for a table of the most frequent. */
export const topFields = ['path', 'address', 'agent'] as const
export type TopField = (typeof topFields)[number]

/** One stretch of time with records in it; stretches without any are left out. */
export interface Hits {
  /** Beginning, milliseconds since the epoch. */
  readonly atMs: number
  readonly hits: number
  /** Sum of the bytes sent; records without a size count nothing. A bigint where a number would not be exact. */
  readonly bytes: number | bigint
}

export interface Top {
  /** Null where the log has '-'; an address as `canonicalAddress` writes it. */
  readonly value: string | null
  readonly hits: number
  readonly bytes: number | bigint
}

export interface StatusCount {
  readonly status: number
  readonly hits: number
}

export interface LatestLine {
  readonly source: number
  readonly position: number
  readonly createdAtMs: number
  readonly method: string
  readonly path: string
  readonly protocol: string
  readonly status: number
  /** A bigint where a number would not be exact. */
  readonly bytes: number | bigint | null
  readonly referrer: string | null
  readonly userAgent: string | null
  readonly user: string | null
}

export interface Logins {
  /** Null when no line said who it was. */
  readonly user: string | null
  /** Where from: the address' network, the first two groups of IPv4 ('203.0.0.0/16') or of IPv6 ('2001:db8::/32'). */
  readonly location: string
  /** Attempts, failures included. */
  readonly logins: number
  readonly failures: number
  readonly lastMs: number
}

/**
 * Answers are exact; orders are total, so that pages neither overlap nor leave anything out. Texts are ordered by their
 * bytes, addresses and networks by their number, IPv4 first; null is last. An IPv4 address and the IPv6 address that it is
 * mapped to are one.
 */
export interface Analytics {
  /** In the order of time. */
  hits(span: TimeSpan, step: HitStep, page: Page): Promise<readonly Hits[]>
  /** By hits, most first, then by value. */
  top(field: TopField, span: TimeSpan, page: Page): Promise<readonly Top[]>
  /** By status. */
  statuses(span: TimeSpan): Promise<readonly StatusCount[]>
  /** Distinct pairs of address and agent. */
  visitors(span: TimeSpan): Promise<number>
  /** Newest first, then by source and position, both descending. */
  latest(address: string, span: TimeSpan, page: Page): Promise<readonly LatestLine[]>
  /**
   * By logins, most first, then by user and location. A login is a POST to the login page; a failure is one answered by 400
   * or above. Its user is the one that its own line names, or else the first one named by a later line of the same address
   * and agent, less than `loginMemoryMs` after it (also beyond the span, so that spans add up).
   */
  logins(span: TimeSpan, page: Page): Promise<readonly Logins[]>
  close(): Promise<void>
}
