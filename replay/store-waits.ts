/** Store waits: has the store watch what a contender's connections wait for while its blocks run at full speed. */
import { performance } from 'node:perf_hooks'
import type { WaitReport, WaitWatch } from '../stores/store.js'

/** A watch that does not answer must hold up neither a block nor the end of one. */
const patienceMs = 2000

/** What goes wrong with the watching is not the run's trouble: then there is less evidence, and the report says so. */
export class StoreWaits {
  private begunMs: number | undefined
  private trouble: string | undefined
  /** It did not answer in time: what it may be doing still is not known, so it is not asked again. */
  private silent = false

  constructor(
    private readonly watch: WaitWatch,
    private readonly patience = patienceMs,
  ) {}

  /** A block is about to begin. */
  async begin(): Promise<void> {
    await this.tried(() => this.watch.begin())
    this.begunMs = performance.now()
  }

  /** It has ended; so many connections wrote. */
  async end(connections: number): Promise<void> {
    const { begunMs } = this
    this.begunMs = undefined
    if (begunMs === undefined) return
    const elapsedMs = performance.now() - begunMs
    await this.tried(() => this.watch.end({ elapsedMs, connections }))
  }

  /** Undefined when nothing was seen. */
  report(): WaitReport | undefined {
    const report = this.watch.report()
    const { trouble } = this
    return report === undefined || trouble === undefined ? report : { ...report, unknown: [...report.unknown, trouble] }
  }

  async close(): Promise<void> {
    this.silent = false
    await this.tried(() => this.watch.close())
  }

  private async tried(work: () => Promise<void>): Promise<void> {
    if (this.silent) return
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        this.silent = true
        reject(new Error('the store took too long to say what its connections wait for'))
      }, this.patience)
    })
    const done = work()
    try {
      await Promise.race([done, late])
    } catch (error) {
      this.trouble = error instanceof Error ? error.message : String(error)
      done.catch(() => undefined)
    } finally {
      clearTimeout(timer)
    }
  }
}
