/** weir gate: compares this build with another one, side by side, and fails when it is slower. */
import { appendFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { profileNamed as profile } from '../generators/profiles.js'
import { type Duel, DuelRefused, duel } from '../replay/gate/duel.js'
import { SideError } from '../replay/gate/other-build.js'
import { type GateMetric, type GateReport, gateMetrics, judgeGate, sayGate } from '../results/gate.js'
import { auditWord, gateJunit, gateMarkdown, gateStatus, gateText } from '../results/gate-report.js'
import { redact } from '../results/redact.js'
import { seededRandom } from '../results/statistics.js'
import { auditFindings } from '../results/verdict.js'
import { formatNamed, profileNamed, storeNamed, targets, targetsNamed, wordOf } from './catalogue.js'
import { type Context, defineCommand, type Outcome, toggle, type Values, value } from './command.js'
import { Interrupted, RunFailed, UsageError } from './errors.js'
import { againstBaseline } from './gate-baseline.js'
import { findBuild } from './gate-build.js'
import { parseDuration, parseSeed, parseShare } from './quantities.js'
import { defaultPartitions } from './scenario-options.js'
import type { Settings } from './settings.js'
import { planTargets } from './target-options.js'

/** Weir's own entry, the candidate. */
const own = fileURLToPath(new URL('./main.js', import.meta.url))
const defaultBudgetMs = 60_000
const defaultBlockMs = 250
const defaultMinEffect = 0.05

const options = {
  against: value({ placeholder: 'BUILD', summary: 'what to compare with: a folder with a build, or a git ref', parse: (text) => text }),
  baseline: value({ placeholder: 'FILE', summary: 'or a stored result, by ratios to this machine: advice', parse: (text) => text }),
  target: value({ alias: 't', placeholder: 'NAME', summary: 'architecture to measure (single-thread)', parse: targetsNamed }),
  store: value({ alias: 's', placeholder: 'NAME', summary: 'postgres, clickhouse, null or a URL (postgres)', parse: storeNamed }),
  'min-effect': value({ placeholder: 'SHARE', summary: 'the smallest loss that fails (5%)', parse: parseShare }),
  budget: value({ placeholder: 'TIME', summary: 'how long the gate may take (60s)', parse: parseDuration }),
  strict: toggle({ summary: 'fail, with status 1, when the noise hides the answer' }),
  junit: value({ placeholder: 'FILE', summary: "write the outcome as JUnit's XML", parse: (text) => text }),
  json: toggle({ summary: 'print the outcome as one JSON document' }),
  metric: value({
    placeholder: 'NAME',
    summary: 'throughput, p99 (at half of full speed) or cpu (throughput)',
    rare: true,
    parse: wordOf('metric', gateMetrics),
  }),
  block: value({ placeholder: 'TIME', summary: 'length of a block (250ms)', rare: true, parse: parseDuration }),
  durability: value({
    placeholder: 'WHAT',
    summary: 'of an embedded store: power or process (power)',
    rare: true,
    parse: wordOf('durability', ['power', 'process']),
  }),
  format: value({ placeholder: 'NAME', summary: 'combined, common or json (combined)', rare: true, parse: formatNamed }),
  profile: value({ placeholder: 'NAME', summary: 'what the generated stream looks like (web)', rare: true, parse: profileNamed }),
  seed: value({ placeholder: 'N', summary: 'another stream of the same profile (1)', rare: true, parse: parseSeed }),
}

export const gate = defineCommand({
  name: 'gate',
  summary: 'Fails when this build is slower than another one: both run here, in blocks that take turns.',
  options,
  positionals: [],
  targetOptions: true,
  examples: ['weir gate --against main', 'weir gate --against ../weir-before -t worker-pool --min-effect 3%'],

  async handler(values, context) {
    const { cwd, settings, signal, progress } = context
    const begin = performance.now()
    if (values.baseline !== undefined && values.against !== undefined) {
      throw new UsageError('--against and --baseline are two ways to compare: give one of them')
    }
    if (values.baseline !== undefined) {
      const wanted = { store: values.store, target: values.target, minEffect: values['min-effect'] ?? defaultMinEffect }
      return finish(await againstBaseline(values.baseline, wanted, context), values, context)
    }
    const plan = planOf(values, settings)
    const say = (label: string) => progress(label, label)
    const build = await findBuild(plan.against, { cwd, signal, say }).catch((error: unknown) => {
      if (signal.aborted) throw new Interrupted()
      throw error
    })
    try {
      // What building took is not the measurement's.
      const seen = await duel(
        { ...plan, base: build.main, candidate: own },
        {
          signal,
          random: seededRandom(plan.orderSeed),
          onProgress: (label, done) => progress(`${Math.floor(done * 100)}%  ${label}`, label.replace(/ \d+$/, '')),
        },
      )
      if (signal.aborted && seen.pairs.length === 0) throw new Interrupted('interrupted before anything was compared')
      return finish(reportOf(seen, plan, build.origin, (performance.now() - begin) / 1000), values, context)
    } catch (error) {
      if (signal.aborted && !(error instanceof Interrupted)) throw new Interrupted()
      if (error instanceof DuelRefused) throw new UsageError(error.message)
      if (error instanceof SideError) throw new RunFailed(redact(error.message))
      throw error
    } finally {
      await build.close()
    }
  },
})

/** Tells the outcome wherever it is wanted. */
function finish(report: GateReport, values: Values<typeof options>, { cwd, signal, notice }: Context): Outcome {
  if (values.junit !== undefined) writeFileSync(resolve(cwd, values.junit), gateJunit(report))
  const summary = process.env['GITHUB_STEP_SUMMARY']
  if (summary) appendFileSync(summary, gateMarkdown(report))
  if (report.decision === 'unclear' && values.strict !== true) notice('the gate could not tell, which fails only with --strict')
  const output = values.json ? `${JSON.stringify(report)}\n` : gateText(report)
  return { status: signal.aborted ? 130 : gateStatus(report, values.strict === true), output }
}

function planOf(values: Values<typeof options>, settings: Settings) {
  if (values.against === undefined)
    throw new UsageError('say what to compare with: --against a folder with a build, or a git ref such as main')
  const selected = values.target ?? targetsNamed('single-thread')
  const [target] = selected
  if (target === undefined || selected.length > 1) throw new UsageError('a gate decides on one target: name one with -t')
  const [planned] = planTargets(selected, targets, settings)
  const asked = Object.entries(planned?.options ?? {}).filter(([name]) => planned?.asked.includes(name))
  return {
    against: values.against,
    store: values.store ?? storeNamed('postgres'),
    durability: values.durability ?? ('power' as const),
    target: target.name,
    options: Object.fromEntries(asked),
    source: {
      kind: 'stream' as const,
      source: 1,
      profile: values.profile ?? 'web',
      seed: values.seed ?? '1',
      format: values.format ?? ('combined' as const),
      ...profile(values.profile ?? 'web').defaults,
    },
    layout: { partitionKey: 'id' as const, partitions: defaultPartitions },
    metric: values.metric ?? ('throughput' as GateMetric),
    minEffect: values['min-effect'] ?? defaultMinEffect,
    budgetMs: values.budget ?? defaultBudgetMs,
    blockMs: values.block ?? defaultBlockMs,
    orderSeed: Math.floor(Math.random() * 2 ** 31),
  }
}

function reportOf(seen: Duel, plan: ReturnType<typeof planOf>, origin: string, elapsedSeconds: number): GateReport {
  const { metric, minEffect } = plan
  const judgement = judgeGate({ metric, pairs: seen.pairs, minEffect })
  const damaged = (['base', 'candidate'] as const).filter((name) => {
    const { audit } = seen[name]
    return audit !== null && (auditFindings(audit).length > 0 || audit.failed > 0)
  })
  const unsound = damaged.length > 0
  const sentence = unsound
    ? `unsound: the audit of ${damaged.map((name) => `the ${name} found ${auditWord(seen[name].audit)}`).join(', that of ')}`
    : sayGate(judgement, metric, minEffect)
  const { base, candidate } = seen
  return {
    schema: 1,
    kind: 'gate',
    mode: 'side by side',
    createdAt: new Date().toISOString(),
    ...judgement,
    decision: unsound ? 'unsound' : judgement.decision,
    sentence: seen.interrupted ? `interrupted; until then: ${sentence}` : sentence,
    metric,
    minEffect,
    target: plan.target,
    store: seen.storeName,
    storeVersion: seen.storeVersion,
    durability: seen.durability,
    image: candidate.opened.image,
    records: seen.records,
    base: { build: base.opened.build, origin, audit: base.audit, findings: base.findings },
    candidate: { build: candidate.opened.build, origin: 'this build', audit: candidate.audit, findings: candidate.findings },
    pairs: seen.pairs,
    elapsedSeconds,
    remarks: ['Both sides wrote to one server, which this build started and set up: how a build sets its server up is not compared.'],
  }
}
