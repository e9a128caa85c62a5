/** Compares two sets of results: which was faster, how sure that is, and whether they may be compared at all. */
import {
  type Difference,
  environmentDifferences,
  outcomeDifferences,
  type Placed,
  subjectDifferences,
  workloadDifferences,
} from './differences.js'
import { rate } from './format.js'
import type { ReadResult } from './read.js'
import type { Interval, Latency, Run } from './result.js'
import { meanInterval, mostRuns, pairedRatio, rankSumRatio, robustPairedRatio, runsNeeded, type Spread, welchRatio } from './statistics.js'
import { wasOverloaded } from './verdict.js'

/** What is compared, by the name that its rows have; `cpu` is records per CPU second of target and store. */
export const metrics = ['throughput', 'p50', 'p99', 'cpu'] as const
export type Metric = (typeof metrics)[number]

/**
 * `faster` and `slower`: the interval of B over A excludes 1. `no difference shown`: it does not, though it is so narrow
 * that a difference as large as the effect asked about would have been. `cannot tell`: it is too wide for that, or there is none.
 */
export type Word = 'faster' | 'slower' | 'no difference shown' | 'cannot tell'

/** Runs are compared with those of the same target, kind of store and scenario. */
export interface Key {
  readonly target: string
  readonly store: string
  readonly scenario: string
}

/** The results of one side, pooled as repetitions. */
export interface Side {
  readonly name: string
  readonly results: readonly ReadResult[]
}

/** A side of a row: the geometric mean of so many runs. Records per second (of CPU time, for `cpu`), or milliseconds. */
export interface Figure {
  readonly value: number
  readonly runs: number
  /** Of a throughput: over the baseline measured in its own session; null when there is none. */
  readonly timesMeasured?: number | null
}

export interface Row extends Key {
  readonly metric: Metric
  readonly a: Figure
  readonly b: Figure
  /** B over A; null where the two may not be put into one figure (latencies at different rates). */
  readonly ratio: number | null
  readonly interval: Interval | null
  /** Whose values vary: documents, runs of one session on a side, or pairs of blocks of one session. */
  readonly unit: 'documents' | 'runs' | 'pairs of blocks'
  readonly method: 'welch' | 'rank-sum' | 'paired' | 'signed-rank' | null
  readonly word: Word
  /** What the word needs said with it; null when it needs nothing. */
  readonly because: string | null
  /** More runs on each side until the interval reaches no farther than the effect; 0 when it does; null where runs don't help. */
  readonly moreRuns: number | null
  /** Why the word is advice only; empty when it is more. */
  readonly advice: readonly string[]
}

/** A reason why two runs may not be compared. */
export interface Refusal extends Key, Difference {
  /** Which two disagree. */
  readonly between: string
}

export interface KeyDifference extends Key, Difference {}

export interface Comparison {
  readonly a: { readonly name: string; readonly files: readonly string[] }
  readonly b: { readonly name: string; readonly files: readonly string[] }
  /** 0.05: 5%. */
  readonly minEffect: number
  /** Of the intervals, two-sided: 0.95. */
  readonly confidence: number
  readonly rows: readonly Row[]
  /** Empty when everything may be compared. */
  readonly refusals: readonly Refusal[]
  /** Where the sides ran differently: makes their words advice. */
  readonly environment: readonly KeyDifference[]
  /** What is compared. */
  readonly subject: readonly KeyDifference[]
  readonly onlyInA: readonly Key[]
  readonly onlyInB: readonly Key[]
  /** Runs that are in no figure, and why. */
  readonly leftOut: readonly (Key & { readonly file: string; readonly reason: string })[]
}

/** A run of a side, with where it stands. */
interface Member extends Placed {
  readonly file: string
  /** Number of its document on this side. */
  readonly document: number
}

interface Pair {
  readonly key: Key
  readonly a: readonly [Member, ...Member[]]
  readonly b: readonly [Member, ...Member[]]
}

/**
 * From so many values on each side on, ranks are used: by simulation their intervals are then no wider where the noise is
 * normal, and a fifth to two fifths narrower where one run in seven was disturbed.
 */
export const leastForRanks = 6

/** The same for pairs, where ranks pay later. */
export const leastPairsForRanks = 10

/** Latencies of rates that differ by more than this share are not compared: at 70% of what a queue can take, 2% more load means 5% more waiting. */
const comparableRates = 0.02

/** What a comparison is asked. */
export interface Question {
  /** 0.05: 5%. */
  readonly minEffect: number
  /** Of the intervals, two-sided: 0.95. */
  readonly confidence: number
}

/** Compares B with A: ratios are B over A, and `faster` means that B was. */
export function compare(a: Side, b: Side, minEffect: number, confidence = 0.95): Comparison {
  const question = { minEffect, confidence }
  const leftOut: (Key & { file: string; reason: string })[] = []
  const sides = [a, b].map((side) => grouped(side, leftOut)) as [Map<string, Group>, Map<string, Group>]
  const pairs = [...sides[0]].flatMap(([id, { key, members }]): readonly Pair[] => {
    const other = sides[1].get(id)
    return other === undefined ? [] : [{ key, a: members, b: other.members }]
  })
  const missing = (from: Map<string, Group>, there: Map<string, Group>) =>
    [...from].filter(([id]) => !there.has(id)).map(([, { key }]) => key)
  const named = (find: (a: Placed, b: Placed) => readonly Difference[]) =>
    pairs.flatMap(({ key, a, b }) => find(a[0], b[0]).map((difference) => ({ ...key, ...difference })))
  return {
    a: described(a),
    b: described(b),
    ...question,
    rows: pairs.flatMap((pair) => rowsOf(pair, question)),
    refusals: pairs.flatMap(refusalsOf),
    environment: named(environmentDifferences),
    subject: named(subjectDifferences),
    onlyInA: missing(sides[0], sides[1]),
    onlyInB: missing(sides[1], sides[0]),
    leftOut,
  }
}

function described({ name, results }: Side): Comparison['a'] {
  return { name, files: results.map(({ file }) => file) }
}

interface Group {
  readonly key: Key
  readonly members: [Member, ...Member[]]
}

/** The runs of a side by target, kind of store and scenario. What was interrupted has no figure of a whole run. */
function grouped({ results }: Side, leftOut: (Key & { file: string; reason: string })[]): Map<string, Group> {
  const groups = new Map<string, Group>()
  for (const [document, { file, result }] of results.entries()) {
    for (const run of result.runs) {
      const key = { target: run.target, store: storeOf(run, result.runs), scenario: run.scenario }
      const reason = whyLeftOut(run)
      if (reason !== undefined) {
        leftOut.push({ ...key, file, reason })
        continue
      }
      const id = JSON.stringify(key)
      const member = { run, result, file, document }
      const group = groups.get(id)
      if (group === undefined) groups.set(id, { key, members: [member] })
      else group.members.push(member)
    }
  }
  return groups
}

/** A run that cannot stand for its target without anything being wrong with it. */
function whyLeftOut({ verdict, throughput }: Run): string | undefined {
  if (verdict === 'interrupted') return 'it was interrupted'
  return throughput.recordsPerSecond > 0 || verdict === 'failed' || verdict === 'unsound' ? undefined : 'it stored nothing'
}

/** The kind of store; with its version where the session had several of the kind, which it tells apart by that. */
export function storeOf({ store }: Pick<Run, 'store'>, runs: readonly Pick<Run, 'store'>[]): string {
  const kind = store.split(' ')[0] ?? store
  return new Set(runs.map((run) => run.store).filter((label) => label.split(' ')[0] === kind)).size > 1 ? store : kind
}

/** Everything that forbids the comparison: within a side, whose runs must be repetitions of each other, and between the two. */
function refusalsOf({ key, a, b }: Pair): readonly Refusal[] {
  const refused = (between: string, differences: readonly Difference[]) => differences.map((one) => ({ ...key, between, ...one }))
  const within = (name: string, [first, ...others]: Pair['a']) =>
    others.flatMap((other) => {
      const found = [...workloadDifferences(first, other), ...outcomeDifferences(first, other), ...subjectDifferences(first, other)]
      return refused(`${first.file} and ${other.file}, both ${name}`, unique(found))
    })
  const damaged = ([...a, ...b] as const).filter(({ run }) => run.verdict === 'failed' || run.verdict === 'unsound')
  return [
    ...refused('A and B', [...workloadDifferences(a[0], b[0]), ...outcomeDifferences(a[0], b[0])]),
    ...within('A', a),
    ...within('B', b),
    ...damaged.flatMap(({ run, file }) => refused(file, [{ field: 'verdict', a: run.verdict, b: null }])),
  ]
}

/** The image is part of the subject too; once is enough. */
function unique(differences: readonly Difference[]): readonly Difference[] {
  return differences.filter(({ field }, i) => differences.findIndex((other) => other.field === field) === i)
}

function rowsOf(pair: Pair, question: Question): readonly Row[] {
  const throughput = rowOf(pair, 'throughput', ({ throughput: { recordsPerSecond } }) => recordsPerSecond, question)
  const latencies = (['p50', 'p99'] as const).map((name) => rowOf(pair, name, ({ latency }) => latency?.[name], question))
  const perCore = rowOf(pair, 'cpu', ({ cpu }) => cpu?.recordsPerSecondPerCore ?? undefined, question)
  const yardsticks = throughput && {
    ...throughput,
    a: { ...throughput.a, timesMeasured: baselineTimes(pair, 'a') },
    b: { ...throughput.b, timesMeasured: baselineTimes(pair, 'b') },
  }
  return [yardsticks, ...latencies, perCore].filter((row) => row !== undefined)
}

/** Each session has a baseline of its own: the ratio of a side is averaged as its throughput is. */
function baselineTimes(pair: Pair, side: 'a' | 'b'): number | null {
  const { [side]: values } = samplesOf(pair, ({ throughput: { timesMeasured } }) => timesMeasured ?? undefined)
  return values.length === 0 ? null : geometricMean(values)
}

function rowOf(pair: Pair, metric: Metric, pick: (run: Run) => number | undefined, question: Question): Row | undefined {
  const { minEffect, confidence } = question
  const { unit, a, b } = samplesOf(pair, pick)
  if (a.length === 0 || b.length === 0) return undefined
  const advice = adviceFor(pair, unit, Math.min(a.length, b.length))
  const head = { ...pair.key, metric, a: figure(a), b: figure(b), unit, advice }
  const obstacle = isLatency(metric) ? latencyObstacle(pair) : undefined
  if (obstacle !== undefined) {
    return { ...head, ratio: null, interval: null, method: null, word: 'cannot tell', because: obstacle, moreRuns: null }
  }
  const blocks = metric === 'throughput' ? blockPairs(pair) : []
  if (blocks.length > 1) return { ...head, ...byPairs(blocks, question), unit: 'pairs of blocks', advice: environmentAdvice(pair) }
  const method = Math.min(a.length, b.length) >= leastForRanks ? 'rank-sum' : 'welch'
  const { ratio, interval } = method === 'welch' ? welchRatio(a, b, confidence) : rankSumRatio(a, b, confidence)
  const moreRuns =
    method === 'rank-sum' && interval !== null
      ? moreByWidth(interval, Math.min(a.length, b.length), minEffect)
      : runsNeeded(spreadOf(a, pair.a, metric), spreadOf(b, pair.b, metric), minEffect, confidence)
  return { ...head, ratio, interval, method, ...worded({ interval, metric, minEffect, moreRuns, unit: 'runs' }), moreRuns }
}

/**
 * The values of both sides. Documents are the unit where each side has two or more: runs of one document share the state
 * of the machine, so they are averaged. Otherwise single runs have to do, and the word is advice.
 */
function samplesOf({ a, b }: Pair, pick: (run: Run) => number | undefined) {
  const values = (members: readonly Member[]) => {
    const byDocument = new Map<number, number[]>()
    for (const { document, run } of members) {
      const value = pick(run)
      if (value !== undefined && value > 0) byDocument.set(document, [...(byDocument.get(document) ?? []), value])
    }
    return [...byDocument.values()]
  }
  const [left, right] = [values(a), values(b)]
  const documents = Math.min(left.length, right.length) >= 2
  const flat = (groups: readonly number[][]) => (documents ? groups.map(geometricMean) : groups.flat())
  const unit: Row['unit'] = documents || Math.max(left.flat().length, right.flat().length) < 2 ? 'documents' : 'runs'
  return { unit, a: flat(left), b: flat(right) }
}

/** Blocks that ran next to each other: only two documents of one and the same session have such. */
function blockPairs({ a, b }: Pair): readonly (readonly [number, number])[] {
  const [left, right] = [a[0], b[0]]
  if (a.length > 1 || b.length > 1 || left.result.createdAt !== right.result.createdAt) return []
  if (JSON.stringify(left.result.machine) !== JSON.stringify(right.result.machine)) return []
  const beside = new Map(left.run.blocks?.map(({ index, recordsPerSecond }) => [index, recordsPerSecond]))
  return (right.run.blocks ?? []).flatMap(({ index, recordsPerSecond }) => {
    const other = beside.get(index)
    return other !== undefined && other > 0 && recordsPerSecond > 0 ? [[recordsPerSecond, other] as const] : []
  })
}

function byPairs(pairs: readonly (readonly [number, number])[], { minEffect, confidence }: Question) {
  const method = pairs.length >= leastPairsForRanks ? 'signed-rank' : 'paired'
  const { ratio, interval } = method === 'paired' ? pairedRatio(pairs, confidence) : robustPairedRatio(pairs, confidence)
  const { n, deviation } = meanInterval(pairs.map(([b, a]) => Math.log(b / a)))
  const moreRuns =
    method === 'signed-rank' && interval !== null
      ? moreByWidth(interval, n, minEffect)
      : runsNeeded({ n, deviation }, { n, deviation: 0 }, minEffect, confidence)
  return { ratio, interval, method, moreRuns, ...worded({ interval, metric: 'throughput', minEffect, moreRuns, unit: 'pairs' }) } as const
}

/** How many more values until an interval of n is as narrow as the effect: widths fall with the root of their number. */
function moreByWidth(interval: Interval, n: number, minEffect: number): number {
  const times = (halfWidth(interval) / Math.log1p(minEffect)) ** 2
  return Math.min(mostRuns, Math.max(0, Math.ceil(n * (times - 1))))
}

/** Of the logarithm of the ratio. */
function halfWidth({ low, high }: Interval): number {
  return Math.log(high / low) / 2
}

interface Evidence {
  readonly interval: Interval | null
  readonly metric: Metric
  readonly minEffect: number
  readonly moreRuns: number
  readonly unit: string
}

function worded({ interval, metric, minEffect, moreRuns, unit }: Evidence): Pick<Row, 'word' | 'because'> {
  if (interval !== null) {
    const [more, less] = isLatency(metric) ? (['slower', 'faster'] as const) : (['faster', 'slower'] as const)
    if (interval.low > 1) return { word: more, because: null }
    if (interval.high < 1) return { word: less, because: null }
    if (halfWidth(interval) <= Math.log1p(minEffect)) return { word: 'no difference shown', because: null }
  }
  const needed = Math.max(1, moreRuns)
  const more =
    moreRuns >= mostRuns
      ? 'more than anybody makes'
      : `${interval === null ? 'at least' : 'about'} ${needed.toLocaleString('en-US')} more ${unit === 'runs' ? 'a side' : 'of them'}`
  return { word: 'cannot tell', because: `too few ${unit}: ${more}` }
}

/** Of latencies less is better. */
export function isLatency(metric: Metric): metric is 'p50' | 'p99' {
  return metric === 'p50' || metric === 'p99'
}

/** Why latencies of the two sides say nothing about each other; undefined when they do. */
function latencyObstacle({ a, b }: Pair): string | undefined {
  const all = [...a, ...b].map(({ run }) => run)
  if (all.some(wasOverloaded)) return 'overloaded: these are latencies of a growing queue'
  const rates = (members: readonly Member[]) => members.flatMap(({ run }) => run.latency?.rate ?? [])
  const both = [...rates(a), ...rates(b)]
  if (Math.max(...both) <= Math.min(...both) * (1 + comparableRates)) return undefined
  return `rates differ: ${span(rates(a))} and ${span(rates(b))}; give both the same --rate`
}

function span(rates: readonly number[]): string {
  const [low, high] = [rate(Math.min(...rates)), rate(Math.max(...rates))]
  return low === high ? `${low}/s` : `${low} to ${high}/s`
}

function adviceFor(pair: Pair, unit: Row['unit'], runs: number): readonly string[] {
  const oneSession = unit === 'runs' && runs > 1 ? ['one session on a side'] : []
  return [...environmentAdvice(pair), ...oneSession]
}

function environmentAdvice({ a, b }: Pair): readonly string[] {
  const [first, ...others] = [...a, ...b] as [Member, ...Member[]]
  const fields = new Set(others.flatMap((other) => environmentDifferences(first, other).map(({ field }) => field)))
  const machine = [...fields].some((field) => field.startsWith('machine.'))
  const bound = [first, ...others].some(({ run }) => run.verdict === 'generator-bound')
  return [
    ...(machine ? ['another machine'] : []),
    ...(fields.has('storeVersion') ? ['another version of the store'] : []),
    ...(fields.size > 0 && !machine && !fields.has('storeVersion') ? ['another environment'] : []),
    ...(bound ? ['generator-bound'] : []),
  ]
}

/** How much a side's values vary; of a single value, how much its pieces do, which is the least that runs will vary by. */
function spreadOf(values: readonly number[], members: readonly Member[], metric: Metric): Spread {
  if (values.length > 1) return { n: values.length, deviation: meanInterval(values.map(Math.log)).deviation }
  const run = members[0]?.run
  const deviation = isLatency(metric)
    ? deviationOfLatency(run?.latency ?? null, metric)
    : metric === 'throughput'
      ? deviationOfBlocks(run)
      : 0
  return { n: values.length, deviation }
}

function deviationOfBlocks(run: Run | undefined): number {
  const logs = (run?.blocks ?? []).flatMap(({ recordsPerSecond }) => (recordsPerSecond > 0 ? [Math.log(recordsPerSecond)] : []))
  return logs.length < 2 ? 0 : meanInterval(logs).deviation / Math.sqrt(logs.length)
}

function deviationOfLatency(latency: Latency | null, metric: 'p50' | 'p99'): number {
  const interval = latency?.intervals?.[metric]
  return interval && interval.low > 0 ? Math.log(interval.high / interval.low) / (2 * 1.96) : 0
}

function figure(values: readonly number[]): Figure {
  return { value: geometricMean(values), runs: values.length }
}

function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length)
}
