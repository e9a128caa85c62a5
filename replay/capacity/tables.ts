/** A group of probes: fresh tables, an open target, and what was put into them. */
import type { Group } from '../../results/capacity/report.js'
import type { Contender } from '../contender.js'
import type { Prober } from './probing.js'

export interface Tables {
  readonly number: number
  readonly purpose: Group['for']
  readonly contender: Contender
  readonly prober: Prober
  probes: number
}

/** The group as the document tells it. */
export function describeTables({ purpose, contender, probes }: Tables): Group {
  return {
    for: purpose,
    probes,
    records: contender.ledger.offered,
    audit: contender.audit?.audit ?? null,
    ...(purpose === 'full speed' ? { blocks: contender.blocks } : {}),
  }
}
