/** Columns of the Native blocks, and where the kernel keeps each: shared with native-row.ts of the kernel. */

export interface Column {
  readonly name: string
  /** As ClickHouse writes it. */
  readonly type: string
  /** Which of the columns of fixed width says, for each row, whether it is NULL (1). */
  readonly nulls?: number
  /** Which of the columns of fixed width holds its values. */
  readonly fixed?: number
  /** Which of the text columns holds its values. */
  readonly text?: number
}

/** Bytes of a row's columns of fixed width, in the kernel's order. */
export const rowWidths = [16, 8, 8, 4, 4, 2, 1, 1, 1]

/** Columns of a row, for a store's types of `created_at` and `remote_addr`. */
export function rowColumns(createdAtType: string, remoteAddrType: string): Column[] {
  return [
    { name: 'source', type: 'Int32', fixed: 3 },
    { name: 'position', type: 'Int64', fixed: 1 },
    { name: 'created_at', type: createdAtType, fixed: 4 },
    { name: 'remote_addr', type: remoteAddrType, fixed: 0 },
    { name: 'remote_user', type: 'String', text: 0 },
    { name: 'method', type: 'String', text: 1 },
    { name: 'path', type: 'String', text: 2 },
    { name: 'protocol', type: 'String', text: 3 },
    { name: 'status', type: 'Int16', fixed: 5 },
    { name: 'bytes', type: 'Nullable(Int64)', nulls: 6, fixed: 2 },
    { name: 'referrer', type: 'Nullable(String)', nulls: 7, text: 4 },
    { name: 'user_agent', type: 'Nullable(String)', nulls: 8, text: 5 },
  ]
}

/** The same for a reject. */
export const rejectWidths = [8, 4, 4]

export const rejectColumns: readonly Column[] = [
  { name: 'source', type: 'Int32', fixed: 1 },
  { name: 'position', type: 'Int64', fixed: 0 },
  { name: 'reason', type: 'String', text: 0 },
  { name: 'length', type: 'Int32', fixed: 2 },
  { name: 'line', type: 'String', text: 1 },
]
