/** The account of memory: the largest seen of Weir, of each part of the target and of the store, in bytes. */
import type { CountedPart } from './cpu.js'
import { residentMemory } from './proc.js'

export class MemoryAccount {
  /** Weir's resident set, its threads' included. */
  weir = 0
  /** By part that is a process of its own, and of all of those together. */
  readonly parts: Record<string, number> = {}
  target = 0
  /** Null where the store's processes are not known. */
  store: number | null = null

  /** Looks once. What ends between two looks was seen at the look before. */
  look(parts: readonly CountedPart[], storePids: readonly number[]): void {
    this.weir = Math.max(this.weir, process.memoryUsage.rss())
    let target = 0
    for (const { name, kind, pid } of parts) {
      const own = kind === 'process' ? residentMemory(pid)?.own : undefined
      if (own === undefined) continue
      this.parts[name] = Math.max(this.parts[name] ?? 0, own)
      target += own
    }
    this.target = Math.max(this.target, target)
    const store = storeBytes(storePids)
    if (store !== null) this.store = Math.max(this.store ?? 0, store)
  }
}

/**
 * What the processes have for themselves, and once what the one that touched most of it has of the memory that they share:
 * that is no more than is there, and less where no single process has touched all.
 */
function storeBytes(pids: readonly number[]): number | null {
  const all = pids.map(residentMemory).filter((memory) => memory !== null)
  return all.length === 0 ? null : all.reduce((sum, { own }) => sum + own, 0) + Math.max(...all.map(({ shared }) => shared))
}
