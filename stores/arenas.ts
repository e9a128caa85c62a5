/** The encoder's arenas as something to be taken and given back: one is encoded into while another is on the wire. */

export class Arenas {
  private readonly free: number[]
  private readonly waiting: ((arena: number) => void)[] = []

  constructor(count: number) {
    this.free = Array.from({ length: count }, (_, index) => index)
  }

  take(): Promise<number> {
    const arena = this.free.shift()
    return arena === undefined ? new Promise((resolve) => this.waiting.push(resolve)) : Promise.resolve(arena)
  }

  /** Before everybody else who waits: for the one whom the others wait for. */
  takeFirst(): Promise<number> {
    const arena = this.free.shift()
    return arena === undefined ? new Promise((resolve) => this.waiting.unshift(resolve)) : Promise.resolve(arena)
  }

  give(arena: number): void {
    const next = this.waiting.shift()
    if (next === undefined) this.free.push(arena)
    else next(arena)
  }
}
