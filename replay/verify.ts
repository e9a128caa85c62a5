/** Audits, later, a run that was kept in a store, from what the run left there about itself. */
import { openSource } from '../generators/open.js'
import type { Format } from '../generators/record.js'
import type { SourceSpec } from '../generators/source.js'
import type { Audit, Finding } from '../results/result.js'
import { openStore, startServer } from '../stores/index.js'
import type { Layout, RunMemory, StoreServer } from '../stores/store.js'
import { audit } from './audit.js'
import type { Fates } from './ledger.js'
import type { VerifyPlan } from './plan.js'

/** What a run leaves in its schema, so that it can be audited by anyone who has the store. */
export interface Memory {
  readonly target: string
  readonly leg: string
  readonly createdAt: string
  readonly source: SourceSpec
  readonly fates: Fates
  readonly layout: Layout
  readonly format: Format
}

export interface VerifyReport {
  readonly schema: string
  readonly target: string
  readonly leg: string
  readonly audit: Audit
  readonly findings: readonly Finding[]
}

export interface VerifyHooks {
  readonly signal: AbortSignal
  onProgress(line: string): void
  onNotice(text: string): void
}

/** There is nothing to verify, or more than one run and nobody said which. */
export class VerifyChoiceError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'VerifyChoiceError'
  }
}

/** Plain JSON, checked no further than its shape needs: it comes from `toMemory`. */
export const toMemory = (memory: Memory): RunMemory => ({ ...memory })

function fromMemory(schema: string, memory: RunMemory | undefined): Memory {
  if (memory === undefined || typeof memory['source'] !== 'object') {
    const why = memory?.['layout'] === undefined ? 'did not get as far as an audit' : 'has no source of its own, as that of a processor'
    throw new VerifyChoiceError(`the run in ${schema} ${why}; there is nothing to compare its rows with`)
  }
  return memory as unknown as Memory
}

/**
 * Audits the runs that the plan names, one after the other.
 * @throws VerifyChoiceError when there is none
 */
export async function verifyRuns(plan: VerifyPlan, hooks: VerifyHooks): Promise<readonly VerifyReport[]> {
  const server = await startServer({
    store: plan.store.url === '' ? plan.store.name : plan.store.url,
    durability: 'power',
    ...(plan.dataDirectory === null ? {} : { dataDirectory: plan.dataDirectory }),
  })
  try {
    const reports: VerifyReport[] = []
    for (const { schema, memory } of await choose(server, plan)) {
      if (hooks.signal.aborted) break
      hooks.onProgress(`auditing ${schema}`)
      reports.push(await verifyOne(server, schema, fromMemory(schema, memory), plan.input))
    }
    return reports
  } finally {
    await server.close()
  }
}

async function choose(server: StoreServer, { schema }: VerifyPlan) {
  const runs = await server.runs()
  // A processor's run remembers no source: whatever was sent to it came from elsewhere.
  const chosen =
    schema === null ? runs.filter(({ memory }) => typeof memory?.['source'] === 'object') : runs.filter((run) => run.schema === schema)
  if (chosen.length > 0) return chosen
  const there =
    runs.length === 0 ? 'no run lies there; weir run --keep leaves its tables' : `there are ${runs.map((run) => run.schema).join(', ')}`
  throw new VerifyChoiceError(schema === null ? there : `there is no run ${schema}: ${there}`)
}

async function verifyOne(server: StoreServer, schema: string, memory: Memory, input: string | null): Promise<VerifyReport> {
  const { layout, format, fates, target, leg } = memory
  const spec: SourceSpec = memory.source.kind === 'file' && input !== null ? { ...memory.source, path: input } : memory.source
  const store = await openStore({ store: server.store, url: server.url, schema, layout, format })
  try {
    if (store.scanner === undefined) throw new VerifyChoiceError(`the store ${server.store} cannot be read back`)
    return { schema, target, leg, ...(await audit({ scanner: store.scanner, source: openSource(spec), fates, layout, format })) }
  } finally {
    await store.close()
  }
}
