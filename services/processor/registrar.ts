/** Which objects, and which records of theirs, are some processor's already: what is registered in the store, read as it grows. */
import type { Range } from '../../generators/record.js'
import { Spans } from '../../generators/spans.js'
import type { Claim, Logfile, Logfiles } from '../../stores/store.js'

const filesAtOnce = 1000

export class Registrar {
  private last = 0
  private readonly names = new Set<string>()
  private readonly sources = new Map<number, Spans>()

  constructor(private readonly logfiles: Pick<Logfiles, 'addClaimed' | 'registered'>) {}

  has(name: string): boolean {
    return this.names.has(name)
  }

  /** Reads what was registered since. */
  async catchUp(): Promise<void> {
    for (;;) {
      const files = await this.logfiles.registered(this.last, filesAtOnce)
      for (const file of files) this.note(file)
      if (files.length < filesAtOnce) return
    }
  }

  /**
   * Registers an object with those of its records that no other object has brought, and claims it.
   * @returns undefined when another processor has registered it
   */
  async register(name: string, ranges: readonly Range[], owner: string, leaseMs: number): Promise<Claim | undefined> {
    while (!this.names.has(name)) {
      // What was decided on holds as long as nobody has registered anything since; then the number is taken.
      const claim = await this.logfiles.addClaimed({ id: this.last + 1, path: name, ranges: this.unknown(ranges) }, owner, leaseMs)
      if (claim !== undefined) {
        this.note(claim.logfile)
        return claim
      }
      await this.catchUp()
    }
    return undefined
  }

  /** What is not registered yet, no record twice. */
  private unknown(ranges: readonly Range[]): readonly Range[] {
    const own = new Map<number, Spans>()
    return ranges.flatMap(({ source, first, count }) => {
      const asked = { from: first, to: first + count }
      const before = own.get(source) ?? new Spans()
      own.set(source, before)
      const pieces = (this.sources.get(source)?.missing(asked) ?? [asked]).flatMap((piece) => before.missing(piece))
      before.add(asked)
      return pieces.map(({ from, to }) => ({ source, first: from, count: to - from }))
    })
  }

  private note({ id, path, ranges }: Logfile): void {
    if (id <= this.last) return
    this.last = id
    this.names.add(path)
    for (const { source, first, count } of ranges) {
      const spans = this.sources.get(source) ?? new Spans()
      this.sources.set(source, spans)
      spans.add({ from: first, to: first + count })
    }
  }
}
