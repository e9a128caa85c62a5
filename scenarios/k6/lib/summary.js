// What a script says at its end: a few lines for people, or, where WEIR_SUMMARY names a file, a JSON document for weir k6.

/** System tags that nobody looks at cost k6 time with every sample. @type {import('k6/options').Options['systemTags']} */
const systemTags = ['scenario', 'status']

/** Options that all scripts have in common. @type {import('k6/options').Options} */
export const common = {
  systemTags,
  discardResponseBodies: true,
  summaryTrendStats: ['min', 'med', 'p(90)', 'p(99)', 'p(99.9)', 'max', 'count'],
}

/** What each of k6's numbers means, in the order in which they are told. */
const meanings = [
  ['weir_due_ms', 'lines, due to answered 202'],
  ['weir_service_ms', 'lines, sent to answered 202 (service time)'],
  ['weir_lag_ms', 'lines, due to sent'],
  ['weir_question_due_ms', 'questions, due to answered'],
  ['weir_question_service_ms', 'questions, sent to answered (service time)'],
  ['weir_question_lag_ms', 'questions, due to sent'],
]

/**
 * The result of handleSummary.
 * @param {string} script
 * @param {any} data as k6 hands it over
 * @param {{ lines?: object, questions?: object }} reports
 */
export function summarize(script, data, reports) {
  const file = __ENV['WEIR_SUMMARY']
  const { metrics, state } = data
  if (file) return { [file]: JSON.stringify({ script, ...reports, metrics, state }) }
  const told = Object.entries(reports).map(([name, report]) => `${name}: ${JSON.stringify(totals(report))}`)
  for (const [metric, meaning] of meanings) {
    const values = metrics[metric || '']?.values
    if (values) told.push(`${meaning}: p50 ${rounded(values.med)}, p99 ${rounded(values['p(99)'])}, max ${rounded(values.max)} ms`)
  }
  const missed = Object.entries(metrics).flatMap(([name, { thresholds = {} }]) =>
    Object.entries(thresholds).flatMap(([expression, { ok }]) => (ok ? [] : [`MISSED: ${name} ${expression}`])),
  )
  return { stdout: `${[script, ...told, ...missed].join('\n  ')}\n` }
}

/** Records by what was noted of them, instead of their positions. @param {any} report */
function totals({ noted, ...others }) {
  if (noted === undefined) return others
  const sums = Object.entries(noted).map(([fate, spans]) => [
    fate,
    spans.reduce((/** @type {number} */ sum, /** @type {{ count: number }} */ { count }) => sum + count, 0),
  ])
  return { ...others, ...Object.fromEntries(sums) }
}

/** @param {number} value */
function rounded(value) {
  return value.toPrecision(3)
}
