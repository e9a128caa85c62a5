/** The matrix of targets, stores and checks that the suite prints in the end; what an empty cell lacks is named below it. */
import Table from 'cli-table3'

export type Cell =
  | { readonly kind: 'passed'; readonly note?: string }
  | { readonly kind: 'failed' }
  | { readonly kind: 'empty'; readonly why: string }

export class Matrix {
  private readonly rows = new Map<string, Map<string, Cell>>()

  constructor(private readonly checks: readonly string[]) {}

  enter(target: string, store: string, check: string, cell: Cell): void {
    const name = `${target} on ${store}`
    const row = this.rows.get(name) ?? new Map<string, Cell>()
    this.rows.set(name, row.set(check, cell))
  }

  toString(): string {
    const notes: string[] = []
    const mark = (text: string): string => {
      if (!notes.includes(text)) notes.push(text)
      return `(${notes.indexOf(text) + 1})`
    }
    const show = (cell: Cell | undefined): string => {
      if (cell === undefined) return '?'
      if (cell.kind === 'failed') return 'FAILED'
      if (cell.kind === 'empty') return `- ${mark(cell.why)}`
      return cell.note === undefined ? 'ok' : `ok ${mark(cell.note)}`
    }
    const table = new Table({ head: ['', ...this.checks], style: { head: [], border: [] } })
    for (const [name, row] of this.rows) table.push([name, ...this.checks.map((check) => show(row.get(check)))])
    return [table.toString(), ...notes.map((note, i) => `(${i + 1}) ${note}`)].join('\n')
  }
}
