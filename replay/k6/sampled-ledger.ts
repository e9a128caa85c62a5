/** The ledger of a k6 without the extension: what its samples say became of each request. */
import type { K6Summary, Noted, NotedSpan, Sample } from './run-k6.js'
import type { RequestSchedule } from './schedule.js'

const fates = ['accepted', 'refused', 'failed'] as const
const names: readonly string[] = fates

export class SampledLedger {
  /** By request: 0: nothing was heard; 1: it is on its way; above: its fate. */
  private readonly heard: Uint8Array
  /** Samples that make sense, of requests on their way and of those that came back. */
  private sent = 0
  private settled = 0

  constructor(private readonly schedule: Pick<RequestSchedule, 'planned' | 'each'>) {
    this.heard = new Uint8Array(schedule.planned)
  }

  /** Takes each sample as it comes; k6 may hand over a request's two in any order. */
  take({ metric, tags, request }: Sample): void {
    if (request >= this.heard.length) return
    const before = this.heard[request] ?? 0
    if (metric === 'weir_sent') {
      if ((before & 1) === 0) this.sent++
      this.heard[request] = before | 1
    } else if (metric === 'weir_requests') {
      const fate = names.indexOf(tags['fate'] ?? '')
      if (fate < 0 || before > 1) return
      this.settled++
      this.heard[request] = before | (2 << fate)
    }
  }

  /**
   * What became of records, by position.
   * @returns undefined when k6 counted other samples than came here: then nothing is known of any record
   */
  noted(summary: K6Summary | undefined): Noted | undefined {
    if (summary === undefined) return undefined
    const counted = (metric: string) => summary.metrics[metric]?.values['count'] ?? 0
    if (counted('weir_sent') !== this.sent || counted('weir_requests') !== this.settled) return undefined
    return {
      sent: this.spansOf((heard) => heard > 0),
      ...Object.fromEntries(fates.map((name, index) => [name, this.spansOf((heard) => (heard & (2 << index)) !== 0)])),
    }
  }

  private spansOf(belongs: (heard: number) => boolean): readonly NotedSpan[] {
    const { planned, each } = this.schedule
    const spans: NotedSpan[] = []
    for (let from = 0; from < planned; from++) {
      if (!belongs(this.heard[from] ?? 0)) continue
      let to = from + 1
      while (to < planned && belongs(this.heard[to] ?? 0)) to++
      spans.push({ first: from * each, count: (to - from) * each })
      from = to
    }
    return spans
  }
}
