/** The mix of questions that the analytics side is asked during a run: a pure function of the seed, the question's number and what the stream holds. */
import { type HitStep, hitSteps, type Page, type TimeSpan, type TopField, topFields } from '../stores/analytics.js'

/** One of the named questions of `Analytics`, with its parameters. */
export type NamedQuery =
  | { readonly name: 'hits'; readonly span: TimeSpan; readonly step: HitStep; readonly page: Page }
  | { readonly name: 'top'; readonly field: TopField; readonly span: TimeSpan; readonly page: Page }
  | { readonly name: 'statuses'; readonly span: TimeSpan }
  | { readonly name: 'visitors'; readonly span: TimeSpan }
  | { readonly name: 'latest'; readonly address: string; readonly span: TimeSpan; readonly page: Page }
  | { readonly name: 'logins'; readonly span: TimeSpan; readonly page: Page }

/** What the stream holds so far. */
export interface StreamView {
  /** Time of the first record, and of the last one that is stored, milliseconds since the epoch. */
  readonly fromMs: number
  readonly toMs: number
  /** Addresses known to be there; one at the least. */
  readonly addresses: readonly string[]
}

/** Of twenty questions, so many are of this name: what a dashboard asks again and again comes often, what a person looks up seldom. */
const shares: readonly (readonly [NamedQuery['name'], number])[] = [
  ['hits', 6],
  ['top', 5],
  ['statuses', 3],
  ['latest', 3],
  ['visitors', 2],
  ['logins', 1],
]

/** The stretches that are asked about, as shares of all there is, counted back from its end. */
const stretches = [1, 0.5, 0.1] as const
const page: Page = { limit: 100, offset: 0 }

/**
 * @param index number of the question, from 0
 * @throws RangeError when the view holds no address
 */
export function queryAt(seed: number, index: number, { fromMs, toMs, addresses }: StreamView): NamedQuery {
  const random = sequence(seed, index)
  const name = weighted(random())
  const length = pick(stretches, random()) * Math.max(0, toMs - fromMs)
  const span: TimeSpan = { fromMs: Math.floor(toMs - length), toMs: Math.floor(toMs) + 1 }
  switch (name) {
    case 'hits':
      return { name, span, step: pick(hitSteps, random()), page }
    case 'top':
      return { name, field: pick(topFields, random()), span, page }
    case 'latest':
      return { name, address: pick(addresses, random()), span, page }
    case 'logins':
      return { name, span, page }
    default:
      return { name, span }
  }
}

function weighted(at: number): NamedQuery['name'] {
  let left = at * shares.reduce((sum, [, share]) => sum + share, 0)
  for (const [name, share] of shares) {
    left -= share
    if (left < 0) return name
  }
  return 'hits'
}

function pick<T>(items: readonly T[], at: number): T {
  const item = items[Math.floor(at * items.length)]
  if (item === undefined) throw new RangeError('there is nothing to choose from')
  return item
}

/** Numbers in [0, 1) for one question: a Weyl sequence through the finalizer of MurmurHash3. */
function sequence(seed: number, index: number): () => number {
  let state = (Math.imul(seed, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca77)) >>> 0
  return () => {
    state = (state + 0x9e3779b9) >>> 0
    let mixed = Math.imul(state ^ (state >>> 16), 0x85ebca6b)
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
    return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32
  }
}
