/** Names of objects that nobody has registered yet. */
import type { Objects } from '../../objects/objects.js'
import type { Registrar } from './registrar.js'

export interface SupplyOptions {
  readonly objects: Pick<Objects, 'list'>
  readonly registrar: Pick<Registrar, 'has' | 'catchUp'>
  /** Milliseconds since 1970. */
  readonly now?: () => number
}

/** Names asked for at once, and kept at the most. */
const namesAtOnce = 1000
/** Several processors see the same names: each takes one of the oldest so many, so that they seldom want the same. */
const candidates = 8
/**
 * Names begin with the time at which their batch was begun, and objects come when it was full: they are looked for from so
 * long ago on, and now and then from the beginning.
 */
const usualAgeMs = 900_000
const everythingMs = 300_000

export class Supply {
  private names: string[] = []
  private readonly handedOut = new Set<string>()
  private readonly refused = new Set<string>()
  private lastWhole = Number.NEGATIVE_INFINITY

  constructor(private readonly options: SupplyOptions) {}

  /** Seen and not handed out yet: all there are, as long as there are not a thousand. */
  get waiting(): number {
    return this.names.length
  }

  get refusals(): number {
    return this.refused.size
  }

  /** One that nobody else in this process has; undefined when there is none. To be given back. */
  async next(): Promise<string | undefined> {
    if (this.names.length === 0) await this.look()
    else await this.options.registrar.catchUp()
    this.names = this.names.filter((name) => this.isOpen(name))
    const [name] = this.names.splice(Math.floor(Math.random() * Math.min(candidates, this.names.length)), 1)
    if (name !== undefined) this.handedOut.add(name)
    return name
  }

  /** It is registered, or may be tried again. */
  giveBack(name: string): void {
    this.handedOut.delete(name)
  }

  /** It must not become rows: it is not handed out any more. True when that is news. */
  refuse(name: string): boolean {
    if (this.refused.has(name)) return false
    this.refused.add(name)
    return true
  }

  private isOpen(name: string): boolean {
    return !this.options.registrar.has(name) && !this.handedOut.has(name) && !this.refused.has(name)
  }

  private async look(): Promise<void> {
    const { objects, registrar, now = Date.now } = this.options
    const at = now()
    const whole = at - this.lastWhole >= everythingMs
    await registrar.catchUp()
    for (let after = whole ? '' : nameOf(at - usualAgeMs); ; ) {
      const names = await objects.list(after, namesAtOnce)
      this.names.push(...names.filter((name) => this.isOpen(name) && !this.names.includes(name)))
      after = names.at(-1) ?? ''
      if (this.names.length >= namesAtOnce) return
      if (names.length < namesAtOnce) break
    }
    if (whole) this.lastWhole = at
  }
}

/** How names of that time begin. */
function nameOf(ms: number): string {
  return new Date(ms).toISOString().replaceAll(/[-:]/g, '').toLowerCase()
}
