/** Interleaved side-by-side measurement: pairs of runs whose order alternates, and their ratio with its spread. */
import { pairedRatio } from '../../results/statistics.js'

export interface Side {
  readonly name: string
  /** Runs once and returns what it reached, in records per second. */
  run(): Promise<number>
}

/** Pairs of what our side and the other reached. */
export type Pairs = readonly (readonly [ours: number, theirs: number])[]

/** Runs both sides once unmeasured, then `pairs` times, A B B A A B ..., so that neither always comes first. */
export async function interleave(ours: Side, theirs: Side, pairs: number): Promise<Pairs> {
  const seen: [number, number][] = []
  await ours.run()
  await theirs.run()
  for (let pair = 0; pair < pairs; pair++) {
    const first = pair % 2 === 0
    const rates: Record<'ours' | 'theirs', number> = { ours: 0, theirs: 0 }
    for (const side of first ? (['ours', 'theirs'] as const) : (['theirs', 'ours'] as const)) {
      rates[side] = await (side === 'ours' ? ours : theirs).run()
    }
    seen.push([rates.ours, rates.theirs])
    process.stderr.write(
      `  pair ${pair + 1} of ${pairs}: ${ours.name} ${thousands(rates.ours)}/s, ${theirs.name} ${thousands(rates.theirs)}/s, ratio ${(rates.ours / rates.theirs).toFixed(3)}\n`,
    )
  }
  return seen
}

/** 'ratio 1.082 [1.051, 1.114], 5 pairs': geometric mean and its 95% interval. */
export function ratioText(seen: Pairs): string {
  const { ratio, interval, pairs } = pairedRatio(seen)
  const spread = interval === null ? '' : ` [${interval.low.toFixed(3)}, ${interval.high.toFixed(3)}]`
  return `ratio ${ratio.toFixed(3)}${spread}, ${pairs} pairs`
}

export function thousands(n: number): string {
  return Math.round(n).toLocaleString('en')
}
