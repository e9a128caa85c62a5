/** Names of Weir's temporary folders: each says which process made it, so that what a crash left can be told from what is in use. */

export type TemporaryKind = 'run' | 'postgres' | 'socket' | 'clickhouse' | 'gate' | 'balancer'

/** What `mkdtemp` completes to a folder's name. */
export function temporaryPrefix(kind: TemporaryKind): string {
  return `weir-${kind}-${process.pid}-`
}

/** The process that made a folder of this name; undefined when the name does not say. */
export function makerOf(name: string): number | undefined {
  const pid = /^weir-(?:run|postgres|socket|clickhouse|gate|balancer)-(\d+)-[^-]+$/.exec(name)?.[1]
  return pid === undefined ? undefined : Number(pid)
}
