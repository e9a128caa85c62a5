/** In which order the two sides run. */
import type { Random } from '../../results/statistics.js'

export type SideName = 'base' | 'candidate'

type Order = readonly [SideName, SideName]

/**
 * The sides of a copy's pairs of neighbours, without end: one first and then the other first (ABBA), so that neither a
 * drift nor a habit of the machine's favours one; chance decides who begins.
 */
export function* pairOrder(random: Random): Generator<Order, never> {
  const forth: Order = ['base', 'candidate']
  const back: Order = ['candidate', 'base']
  for (let turned = random() < 0.5; ; turned = !turned) yield turned ? back : forth
}
