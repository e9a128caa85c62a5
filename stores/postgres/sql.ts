/** SQL as tagged text: only identifiers, whole numbers and other SQL can be put into it; values go as parameters. */
import pg from 'pg'

/** A piece of SQL. */
export class Sql {
  constructor(readonly text: string) {}
}

/** A quoted identifier, qualified when there are several names. */
export function id(...names: readonly string[]): Sql {
  return new Sql(names.map((name) => pg.escapeIdentifier(name)).join('.'))
}

/** Pieces with commas between them. */
export function list(pieces: readonly Sql[]): Sql {
  return new Sql(pieces.map((piece) => piece.text).join(', '))
}

/** @throws TypeError for anything that is neither SQL nor a whole number: values belong into parameters. */
export function sql(strings: TemplateStringsArray, ...pieces: readonly (Sql | number)[]): Sql {
  let text = strings[0] ?? ''
  for (const [i, piece] of pieces.entries()) {
    if (typeof piece === 'number' && !Number.isSafeInteger(piece)) throw new TypeError(`${piece} is no whole number`)
    text += typeof piece === 'number' ? String(piece) : piece.text
    text += strings[i + 1] ?? ''
  }
  return new Sql(text)
}
