/** In which order the two sides run. */
import type { Random } from '../../results/statistics.js'

export type SideName = 'base' | 'candidate'

/**
 * The sides of so many pairs of neighbours, first one and then the other first (ABBA), so that neither a drift nor a
 * habit of the machine's favours one; chance decides who begins.
 */
export function pairOrder(pairs: number, random: Random): readonly (readonly [SideName, SideName])[] {
  const forth = ['base', 'candidate'] as const
  const back = ['candidate', 'base'] as const
  const begins = random() < 0.5
  return Array.from({ length: pairs }, (_, i) => ((i % 2 === 0) === begins ? forth : back))
}
