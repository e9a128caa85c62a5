/** The words for arrivals, as people write them and as results keep them: 'constant', 'poisson', 'burst:4x,500ms,2s'. */

/** Kinds of arrivals, with what follows their names. */
export const arrivalKinds = [
  { name: 'constant', form: 'constant', summary: 'equal distances' },
  { name: 'poisson', form: 'poisson', summary: 'records that know nothing of each other' },
  { name: 'diurnal', form: 'diurnal', summary: "the profile's own day, compressed into each block of the leg" },
  {
    name: 'burst',
    form: 'burst:PEAK,LENGTH,EVERY[,triangle]',
    summary: 'a peak of so many times the base rate, so long, so often: burst:4x,500ms,2s',
  },
  { name: 'ramp', form: 'ramp:FROM..TO', summary: 'from one rate to another, in proportion: ramp:1..10' },
  { name: 'steps', form: 'steps:A,B,C', summary: 'rates in proportion, each as long as the others: steps:1,2,4' },
  { name: 'replay', form: 'replay:SPEED', summary: "a log's own timing (--input), so many times as fast: replay:10x" },
] as const

export type ArrivalKind = (typeof arrivalKinds)[number]['name']

/** Arrivals as plain data. Rates are in proportion to each other: the mean is the leg's rate. */
export type ArrivalsSpec =
  | { readonly kind: 'constant' | 'poisson' | 'diurnal' }
  | {
      readonly kind: 'burst'
      /** Rate of the peak over that of the base. */
      readonly peak: number
      readonly lengthMs: number
      readonly everyMs: number
      readonly shape: 'square' | 'triangle'
    }
  | { readonly kind: 'ramp'; readonly from: number; readonly to: number }
  | { readonly kind: 'steps'; readonly rates: readonly number[] }
  | { readonly kind: 'replay'; readonly speed: number }

/** Words that are none; the message says what is wrong and what is accepted. */
export class ArrivalsError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'ArrivalsError'
  }
}

/** @throws ArrivalsError; the kind must be one of `arrivalKinds` */
export function parseArrivals(text: string): ArrivalsSpec {
  const [, name = '', rest] = /^([^:]*)(?::(.*))?$/s.exec(text.trim()) ?? []
  const kind = arrivalKinds.find((candidate) => candidate.name === name)
  if (kind === undefined)
    throw new ArrivalsError(`there are no arrivals "${name}"; there are ${arrivalKinds.map(({ form }) => form).join(', ')}`)
  const wrong = (why: string) => new ArrivalsError(`"${text}": ${why}; write ${kind.form}, ${kind.summary}`)
  switch (kind.name) {
    case 'constant':
    case 'poisson':
    case 'diurnal':
      if (rest !== undefined) throw wrong(`nothing follows ${kind.name}`)
      return { kind: kind.name }
    case 'burst': {
      const [peak, length, every, shape = 'square', ...more] = (rest ?? '').split(',').map((word) => word.trim())
      if (peak === undefined || length === undefined || every === undefined || more.length > 0)
        throw wrong('a burst has a peak, a length and a distance')
      if (shape !== 'square' && shape !== 'triangle') throw wrong(`"${shape}" is no shape (square, triangle)`)
      const spec = { kind: 'burst', peak: timesIn(peak, wrong), lengthMs: msIn(length, wrong), everyMs: msIn(every, wrong), shape } as const
      if (spec.peak <= 1) throw wrong('the peak is more than once the base')
      if (spec.lengthMs >= spec.everyMs) throw wrong('a burst ends before the next begins')
      return spec
    }
    case 'ramp': {
      const ends = (rest ?? '').split('..').map((word) => numberIn(word.replace(/%$/, ''), wrong))
      const [from, to] = ends
      if (from === undefined || to === undefined || ends.length > 2) throw wrong('a ramp has two ends')
      if (from + to <= 0) throw wrong('one end must be above zero')
      return { kind: 'ramp', from, to }
    }
    case 'steps': {
      const rates = (rest ?? '').split(',').map((word) => numberIn(word.replace(/%$/, ''), wrong))
      if (rates.length < 2 || rates.every((rate) => rate === 0)) throw wrong('there are two steps at the least, and one of them above zero')
      return { kind: 'steps', rates }
    }
    case 'replay':
      return { kind: 'replay', speed: timesIn(rest ?? '1x', wrong) }
  }
}

/** The one way in which arrivals are written in results: equal ones have equal words. */
export function sayArrivals(spec: ArrivalsSpec): string {
  switch (spec.kind) {
    case 'constant':
    case 'poisson':
    case 'diurnal':
      return spec.kind
    case 'burst':
      return `burst:${spec.peak}x,${spec.lengthMs}ms,${spec.everyMs}ms${spec.shape === 'square' ? '' : `,${spec.shape}`}`
    case 'ramp':
      return `ramp:${spec.from}..${spec.to}`
    case 'steps':
      return `steps:${spec.rates.join(',')}`
    case 'replay':
      return `replay:${spec.speed}x`
  }
}

type Wrong = (why: string) => ArrivalsError

function numberIn(word: string, wrong: Wrong): number {
  if (!/^\s*(?:\d+(?:\.\d+)?|\.\d+)\s*$/.test(word)) throw wrong(`"${word.trim()}" is no number`)
  return Number(word)
}

function timesIn(word: string, wrong: Wrong): number {
  const value = numberIn(word.replace(/x$/i, ''), wrong)
  if (!(value > 0)) throw wrong(`"${word}" is not above zero`)
  return value
}

function msIn(word: string, wrong: Wrong): number {
  const match = /^(\d+(?:\.\d+)?)\s?(ms|s|m)$/.exec(word)
  if (match === null) throw wrong(`"${word}" is no length of time, such as 500ms or 2s`)
  const value = Number(match[1]) * { ms: 1, s: 1000, m: 60_000 }[match[2] as 'ms' | 's' | 'm']
  if (!(value > 0)) throw wrong(`"${word}" is not above zero`)
  return value
}
