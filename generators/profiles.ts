/** The profiles that a stream can draw its records from. */
export interface Profile {
  readonly name: string
  /** A sentence for `weir list`. */
  readonly summary: string
  readonly defaults: {
    /** Time of record 0, milliseconds since the epoch. */
    readonly startMs: number
    readonly recordsPerDay: number
  }
}

export const profiles: readonly Profile[] = [
  {
    name: 'web',
    summary: 'A public site: visitors in sessions, feed readers and crawlers, logins below 1%; fitted to a real log.',
    // 15 million hits a day are the traffic that the published movie catalogue was built for.
    defaults: { startMs: Date.UTC(2026, 0, 1), recordsPerDay: 15_000_000 },
  },
]

/** @throws an Error that names the known profiles when there is none of this name. */
export function profileNamed(name: string): Profile {
  const profile = profiles.find((candidate) => candidate.name === name)
  if (profile === undefined) {
    throw new Error(`profile ${JSON.stringify(name)} is unknown; there is ${profiles.map((known) => known.name).join(', ')}`)
  }
  return profile
}
