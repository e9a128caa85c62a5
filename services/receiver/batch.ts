/** One batch on its way: entries in memory, in the journal where there is one, and at last in an object. */
import type { Inspector } from '../../generators/inspector.js'
import type { Format } from '../../generators/record.js'
import type { Keyring } from '../../objects/keys.js'
import { type LinesToSeal, openLines, RefusedObjectError, type Stretch, sealLines } from '../../objects/line-object.js'
import { MissingObjectError, type Objects, TakenNameError } from '../../objects/objects.js'
import type { Entry, Journal } from './journal.js'

export class Batch {
  private readonly entries: Entry[] = []
  private readonly restored = new Set<Entry>()
  private readonly joining = new Set<Promise<void>>()
  /** Of a batch that was restored: whether it is known if its object is there. */
  private looked = false
  /** Of the entries, those that are still joining included. */
  records = 0
  bytes = 0

  constructor(
    /** The object's, once it is one. */
    private name: string,
    readonly format: Format,
    private readonly journal: Promise<Journal> | undefined,
    private readonly createdAt: Date,
  ) {
    // Told to those whose entries it does not take.
    journal?.catch(() => undefined)
  }

  /** How many there are: a header has to name them all, should none continue another. */
  get size(): number {
    return this.entries.length + this.joining.size
  }

  /**
   * To be called before `store`, and at once. Resolves when the entry is part of the batch, and on disk where there is a journal.
   * @throws Error when the disk did not take it; it is no part of the batch then
   */
  add(entry: Entry): Promise<void> {
    this.records += entry.count
    this.bytes += entry.lines.length
    if (this.journal === undefined) {
      this.entries.push(entry)
      return Promise.resolve()
    }
    const joined = this.journal
      .then((journal) => journal.append(entry))
      .then(
        () => void this.entries.push(entry),
        (error: unknown) => {
          this.records -= entry.count
          this.bytes -= entry.lines.length
          throw error
        },
      )
      .finally(() => this.joining.delete(joined))
    this.joining.add(joined)
    return joined
  }

  /** Takes what a journal held. */
  restore(entries: readonly Entry[]): void {
    for (const entry of entries) {
      this.entries.push(entry)
      this.restored.add(entry)
      this.records += entry.count
      this.bytes += entry.lines.length
    }
  }

  /** Stores the object, and removes the journal. Nothing may be added any more. @throws Error when it could not be stored; it may be tried again */
  async store(objects: Objects, inspector: Inspector, keys: Keyring | undefined): Promise<number> {
    await Promise.allSettled(this.joining)
    if (this.entries.length === 0) {
      await this.dropJournal()
      return 0
    }
    await this.look(objects)
    const object = this.object()
    const parts = sealLines(object, keys === undefined ? undefined : { key: keys.current, inspector })
    try {
      await objects.put(this.name, parts)
    } catch (error) {
      if (!(error instanceof TakenNameError)) throw error
      if (!(await this.lies(objects, object, keys))) {
        this.name = `${this.name}-again`
        throw error
      }
    }
    await this.dropJournal()
    return parts.reduce((sum, part) => sum + part.length, 0)
  }

  /**
   * Whether there is an object of a restored batch is not known. Where there is none, it may have been stored, made rows of and
   * removed, and processors pass over a name that they know: the batch gets another.
   */
  private async look(objects: Objects): Promise<void> {
    if (this.restored.size === 0 || this.looked) return
    try {
      await objects.get(this.name)
    } catch (error) {
      if (!(error instanceof MissingObjectError)) throw error
      this.name = `${this.name}-recovered`
    }
    this.looked = true
  }

  /**
   * Whether the object of this name has these lines: its answer was lost, or the end came before the journal was removed. Its
   * bytes are others even then, since a key seals the same lines differently each time.
   */
  private async lies(objects: Objects, { format, stretches, pieces }: LinesToSeal, keys: Keyring | undefined): Promise<boolean> {
    try {
      const there = openLines(await objects.get(this.name), keys)
      return (
        there.format === format &&
        JSON.stringify(there.stretches) === JSON.stringify(stretches) &&
        Buffer.concat(pieces).equals(there.lines)
      )
    } catch (error) {
      if (error instanceof RefusedObjectError || error instanceof MissingObjectError) return false
      throw error
    }
  }

  /** The lines that were added, for whoever has lent the memory: to be called when they are an object. */
  lent(): readonly Uint8Array[] {
    return this.entries.filter((entry) => !this.restored.has(entry)).map(({ lines }) => lines)
  }

  private async dropJournal(): Promise<void> {
    const journal = await this.journal?.catch(() => undefined)
    await journal?.remove()
  }

  private object(): LinesToSeal {
    const sorted = [...this.entries].sort((a, b) => a.source - b.source || a.first - b.first)
    const stretches: Stretch[] = []
    for (const { source, first, count, lines } of sorted) {
      const last = stretches.at(-1)
      if (last !== undefined && last.source === source && last.first + last.count === first) {
        stretches[stretches.length - 1] = { source, first: last.first, count: last.count + count, bytes: last.bytes + lines.length }
      } else stretches.push({ source, first, count, bytes: lines.length })
    }
    return { format: this.format, createdAt: this.createdAt.toISOString(), stretches, pieces: sorted.map(({ lines }) => lines) }
  }
}
