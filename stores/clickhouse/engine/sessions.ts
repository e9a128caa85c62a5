/** Sessions of the engine: each runs one statement at a time, so every request has one to itself while it lasts. */
import type { Session } from 'chdb'
import { failures } from './failures.js'

export class Sessions {
  private readonly idle: Session[] = []
  private readonly waiting: { resolve(session: Session): void; reject(error: Error): void }[] = []
  private readonly all = new Set<Session>()
  private closed = false

  /** @param limit how many there may be at most; who comes then waits */
  constructor(
    private readonly open: () => Session,
    private readonly limit: number,
  ) {}

  /** @throws Failure when the engine is being stopped */
  async take(): Promise<Session> {
    if (this.closed) throw failures.stopping()
    const idle = this.idle.pop()
    if (idle !== undefined) return idle
    if (this.all.size < this.limit) return this.another()
    return new Promise((resolve, reject) => this.waiting.push({ resolve, reject }))
  }

  /** `altered`: it is no longer as it was, so nobody else shall have it. */
  give(session: Session, altered: boolean): void {
    if (altered || this.closed) {
      this.all.delete(session)
      session.close()
    }
    const next = this.waiting.shift()
    if (next === undefined) {
      if (!altered && !this.closed) this.idle.push(session)
      return
    }
    try {
      next.resolve(altered ? this.another() : session)
    } catch (error) {
      next.reject(error as Error)
    }
  }

  /** Closes those that are idle now, and the others as they are given back. */
  close(): void {
    this.closed = true
    for (const { reject } of this.waiting.splice(0)) reject(failures.stopping())
    for (const session of this.idle.splice(0)) session.close()
  }

  private another(): Session {
    const session = this.open()
    this.all.add(session)
    return session
  }
}

interface Named {
  readonly session: Session
  busy: boolean
  expiry: NodeJS.Timeout | undefined
}

/** Sessions that requests name by session_id, and that keep settings and temporary tables from one request to the next. */
export class NamedSessions {
  private readonly named = new Map<string, Named>()

  constructor(private readonly open: () => Session) {}

  /** @throws Failure when another request uses it just now */
  take(id: string): Session {
    const found = this.named.get(id)
    if (found?.busy) throw failures.sessionLocked(id)
    clearTimeout(found?.expiry)
    const named = found ?? { session: this.open(), busy: true, expiry: undefined }
    named.busy = true
    this.named.set(id, named)
    return named.session
  }

  /** @param timeoutSeconds how long it stays without being used */
  give(id: string, timeoutSeconds: number): void {
    const named = this.named.get(id)
    if (named === undefined) return
    named.busy = false
    named.expiry = setTimeout(() => {
      this.named.delete(id)
      named.session.close()
    }, timeoutSeconds * 1000)
    named.expiry.unref()
  }

  close(): void {
    for (const { session, expiry } of this.named.values()) {
      clearTimeout(expiry)
      session.close()
    }
    this.named.clear()
  }
}
