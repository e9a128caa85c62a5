/** Which architecture won: compares the runs that may be compared, by blocks that ran next to each other. */
import { times } from './format.js'
import { together } from './repetitions.js'
import type { PairedRatio, RankedRun, Ranking, Run } from './result.js'
import { pairedRatio } from './statistics.js'
import { auditFindings } from './verdict.js'

interface Candidate {
  readonly run: Run
  readonly index: number
}

/**
 * Ranks runs by throughput, repetitions of the same one taken together. Compared are those with a verdict of ok or overloaded and a clean audit, which share workload,
 * durability and image, on whatever store; when there are several such groups the largest (the first of equals) is ranked, and every
 * other run is listed with the reason. The leader has won when the 95% interval of its paired ratio lies above 1 against
 * each of the others: it must pass all tests, so they need no correction for their number (Berger, 1982).
 */
export function rank(runs: readonly Run[]): Ranking {
  const unranked: { target: string; store: string; reason: string }[] = []
  const groups = new Map<string, Candidate[]>()
  for (const run of together(runs)) {
    const index = runs.findIndex(({ target, store }) => target === run.target && store === run.store)
    const reason = whyNotRanked(run)
    if (reason !== undefined) {
      unranked.push({ target: run.target, store: run.store, reason })
      continue
    }
    const key = JSON.stringify([run.workloadHash, run.durability, run.image ?? ''])
    groups.set(key, [...(groups.get(key) ?? []), { run, index }])
  }
  const ordered = [...groups.values()].sort((a, b) => b.length - a.length)
  const group = ordered[0] ?? []
  for (const { run } of ordered.slice(1).flat()) {
    unranked.push({ target: run.target, store: run.store, reason: difference(run, group[0]?.run) })
  }

  const leader = lead(group)
  if (!leader) return { ranked: [], unranked, winner: null, sentence: 'Nothing was ranked.' }
  const ranked: RankedRun[] = group
    .map((candidate) => ({
      target: candidate.run.target,
      store: candidate.run.store,
      run: candidate.index,
      recordsPerSecond: candidate.run.throughput.recordsPerSecond,
      leaderTimes: candidate === leader ? null : ratioOf(leader.run, candidate.run),
    }))
    .sort((a, b) => behind(a, leader) - behind(b, leader))
  const others = ranked.slice(1)
  const won = others.length > 0 && others.every(({ leaderTimes }) => leaderTimes?.interval && leaderTimes.interval.low > 1)
  const winner = won ? namer(group)(leader.run) : null
  return { ranked, unranked, winner, sentence: sentence(leader.run, others, won, namer(group)) }
}

/** Why a run may not be ranked at all; undefined when it may. */
function whyNotRanked(run: Run): string | undefined {
  if (run.verdict !== 'ok' && run.verdict !== 'overloaded') {
    const because = run.reasons?.[0] ?? run.error?.message
    return because ? `${run.verdict}: ${because}` : run.verdict
  }
  if (run.audit === null) return 'nothing was audited'
  const damage = [run.audit, run.latencyLeg?.audit ?? null].flatMap((audit) => (audit ? auditFindings(audit) : []))
  if (damage.length > 0) return `its audit found ${damage.map(({ kind, count }) => `${count} ${kind}`).join(', ')}`
  return undefined
}

function difference(run: Run, ranked: Run | undefined): string {
  if (!ranked) return 'nothing to compare with'
  if (run.durability !== ranked.durability) return `its durability is ${run.durability}, the others' ${ranked.durability}`
  if (run.image !== ranked.image) return `it leaves ${run.image ?? 'another image'} behind, the others ${ranked.image ?? 'another'}`
  return 'its workload differs'
}

/** The run whose blocks were fastest against everyone's: by paired ratios where there are pairs, else by mean throughput. */
function lead(group: readonly Candidate[]): Candidate | undefined {
  const beaten = (a: Candidate) => group.filter((b) => b !== a && (ratioOf(a.run, b.run)?.ratio ?? means(a.run, b.run)) >= 1).length
  return [...group].sort((a, b) => beaten(b) - beaten(a) || b.run.throughput.recordsPerSecond - a.run.throughput.recordsPerSecond)[0]
}

function means(a: Run, b: Run): number {
  return a.throughput.recordsPerSecond / b.throughput.recordsPerSecond
}

/** How many times as fast the leader was; below any ratio for the leader itself, which comes first. */
function behind({ run, leaderTimes, recordsPerSecond }: RankedRun, leader: Candidate): number {
  if (run === leader.index) return 0
  return leaderTimes?.ratio ?? leader.run.throughput.recordsPerSecond / recordsPerSecond
}

/** Paired ratio of the blocks that both runs have; null when there are none. */
function ratioOf(a: Run, b: Run): PairedRatio | null {
  const other = new Map(b.blocks?.map((block) => [block.index, block.recordsPerSecond]))
  const pairs = (a.blocks ?? []).flatMap(({ index, recordsPerSecond }) => {
    const against = other.get(index)
    return against !== undefined && against > 0 && recordsPerSecond > 0 ? [[recordsPerSecond, against] as const] : []
  })
  return pairs.length > 0 ? pairedRatio(pairs) : null
}

/** Names runs by their targets, and by their stores too where those differ. */
function namer(group: readonly Candidate[]): (run: { readonly target: string; readonly store: string }) => string {
  const several = new Set(group.map(({ run }) => run.store)).size > 1
  return ({ target, store }) => (several ? `${target} on ${store}` : target)
}

function sentence(leader: Run, others: readonly RankedRun[], won: boolean, nameOf: ReturnType<typeof namer>): string {
  const next = others[0]
  const first = nameOf(leader)
  if (!next) return `Only ${first} could be ranked: there is nothing to compare it with.`
  const { leaderTimes } = next
  if (!leaderTimes?.interval) {
    return `${first} had the highest figure, but there were too few interleaved blocks to show a difference.`
  }
  if (won) {
    return `${first} won: ${times(leaderTimes.ratio)} times as fast as ${nameOf(next)}, the next (${spread(leaderTimes)}).`
  }
  const close = others.filter(({ leaderTimes: ratio }) => !ratio?.interval || ratio.interval.low <= 1)
  const near = close[0] ?? next
  const list = [first, ...close.map(nameOf)]
  const detail = near.leaderTimes?.interval
    ? `${first} was ${times(near.leaderTimes.ratio)} times as fast as ${nameOf(near)} (${spread(near.leaderTimes)})`
    : 'too few blocks were paired'
  return `No difference was shown between ${list.slice(0, -1).join(', ')} and ${list.at(-1)}: ${detail}.`
}

function spread({ interval, pairs }: PairedRatio): string {
  if (!interval) return `${pairs} pairs`
  return `95% interval ${times(interval.low)} to ${times(interval.high)}, ${pairs} pairs`
}
