/** Draws plain tables for the terminal: a head, a rule, rows without borders; and paints where colours are shown. */
import Table from 'cli-table3'

const colours = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33 } as const
export type Colour = keyof typeof colours

/** What the text is shown on. */
export interface Display {
  /** A terminal: colours and typographic signs; otherwise plain ASCII. */
  readonly tty: boolean
  readonly columns: number
}

export interface DrawnColumn {
  readonly head: string
  readonly align: 'left' | 'right'
}

const edges = ['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right'] as const
const lines = ['left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid'] as const
const borderless = { ...Object.fromEntries([...edges, ...lines].map((name) => [name, ''])), middle: '  ' }

/** The text in a colour, on a terminal; as it is elsewhere. */
export function paint({ tty }: Display, colour: Colour, text: string): string {
  return tty && text !== '' ? `\u001b[${colours[colour]}m${text}\u001b[0m` : text
}

/** A table as text without a newline at its end. The last column is broken between words to fit the display. */
export function drawTable(columns: readonly DrawnColumn[], rows: readonly (readonly string[])[], display: Display): string {
  const left = columns.slice(0, -1).reduce((sum, { head }, i) => sum + widest([head, ...rows.map((row) => row[i] ?? '')]) + 2, 0)
  const room = Math.max(16, display.columns - left)
  const last = columns.length - 1
  const table = new Table({
    head: columns.map(({ head }) => paint(display, 'bold', head)),
    colAligns: columns.map(({ align }) => align),
    chars: borderless,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  })
  for (const row of rows) table.push(row.map((cell, i) => (i === last ? wrapped(cell, room).join('\n') : cell)))
  const drawn = table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
  const [head = '', ...body] = drawn
  return [head, paint(display, 'dim', (display.tty ? '─' : '-').repeat(widest(drawn))), ...body].join('\n')
}

/** Lines no wider than that, broken between words, the later ones indented; a longer word stays whole: it may be a path. */
export function wrapped(text: string, width: number, indent = ''): readonly string[] {
  const broken: string[] = []
  const lead = /^ */.exec(text)?.[0] ?? ''
  let line = ''
  for (const word of text.trim().split(' ')) {
    if (line !== '' && visible(line).length + 1 + visible(word).length > width) {
      broken.push(line)
      line = `${indent}${word}`
    } else line = line === '' ? `${lead}${word}` : `${line} ${word}`
  }
  return [...broken, line]
}

/** Columns that the widest line takes on a terminal. */
export function widest(texts: readonly string[]): number {
  return Math.max(0, ...texts.flatMap((text) => text.split('\n')).map((line) => visible(line).length))
}

function visible(text: string): string {
  return text.replaceAll(new RegExp(`${String.fromCharCode(27)}\\[\\d+m`, 'g'), '')
}
