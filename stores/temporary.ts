/** Names of Weir's temporary folders: each says which process made it, so that what a crash left can be told from what is in use. */

const kinds = ['run', 'postgres', 'socket', 'clickhouse', 'gate', 'balancer', 'doctor', 'bench'] as const
export type TemporaryKind = (typeof kinds)[number]

/** What `mkdtemp` completes to a folder's name. */
export function temporaryPrefix(kind: TemporaryKind): string {
  return `weir-${kind}-${process.pid}-`
}

const made = new RegExp(`^weir-(?:${kinds.join('|')})-(\\d+)-[A-Za-z0-9]{6}$`)

/** The process that made a folder of this name; undefined when Weir makes no such names. */
export function makerOf(name: string): number | undefined {
  const pid = made.exec(name)?.[1]
  return pid === undefined ? undefined : Number(pid)
}
