/** Statements for ClickHouse: names and values are put in as what they are, by this tag, since old servers take no query parameters. */

/** A piece of a statement. */
export class Sql {
  constructor(readonly text: string) {}
}

/** A statement; what stands in `${}` becomes a piece, a number or a quoted string. */
export function sql(strings: TemplateStringsArray, ...values: readonly (Sql | string | number | bigint)[]): Sql {
  return new Sql(strings.reduce((text, piece, i) => text + literal(values[i - 1] ?? '') + piece))
}

/** A name, with those that qualify it. */
export function id(...names: readonly string[]): Sql {
  return new Sql(names.map((name) => `\`${name.replace(/[\\`]/g, '\\$&')}\``).join('.'))
}

/** Pieces with commas between them. */
export function list(pieces: readonly (Sql | string | number)[]): Sql {
  return new Sql(pieces.map(literal).join(', '))
}

function literal(value: Sql | string | number | bigint): string {
  if (value instanceof Sql) return value.text
  if (typeof value === 'string') return quote(value)
  if (typeof value === 'number' && !Number.isFinite(value)) throw new RangeError(`${value} is no number for a statement`)
  return String(value)
}

/** Escapes as https://clickhouse.com/docs/en/sql-reference/syntax#string says; servers of every age read them. */
function quote(text: string): string {
  return `'${text.replace(/[\\'\0\n\r\t]/g, (character) => escapes[character] ?? character)}'`
}

const escapes: Readonly<Record<string, string>> = { '\\': '\\\\', "'": "\\'", '\0': '\\0', '\n': '\\n', '\r': '\\r', '\t': '\\t' }
