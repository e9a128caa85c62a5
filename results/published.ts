/** The figures that others published, which every result carries beside what was measured. */
import { readFileSync } from 'node:fs'
import type figures from './baselines/published.json'

/** baselines/published.json. */
export const published: typeof figures = JSON.parse(readFileSync(new URL('./baselines/published.json', import.meta.url), 'utf8'))

/** Records a second of the published row-at-a-time system: 32,368 lines in 52 s. */
export const publishedRecordsPerSecond = published.recordsPerSecond
