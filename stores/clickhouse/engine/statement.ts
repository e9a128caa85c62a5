/** What has to be known about a SQL statement before it is run: which kind it is, its format, and where an insert's data begins. */

export interface Statement {
  /** `select`: its answer can be streamed; `insert`: data follows, or may follow, in a format; `other`: anything else. */
  readonly kind: 'select' | 'insert' | 'other'
  /** What its FORMAT clause says. */
  readonly format: string | undefined
  /** Of an insert with data: the length of the statement without its FORMAT clause, and where the data in the same text begins. */
  readonly head: number
  readonly data: number
  /** It changes its session for what comes after it (SET, USE, temporary tables). */
  readonly alters: boolean
  /** Settings that its SETTINGS clauses give, names in lower case. */
  readonly settings: ReadonlyMap<string, string>
  /** More than one statement was given. */
  readonly several: boolean
  /** It inserts from input(), the request's data as a table. */
  readonly fromInput: boolean
}

interface Token {
  readonly text: string
  readonly upper: string
  readonly start: number
  readonly end: number
  readonly depth: number
}

// White space, comments, words, numbers, strings and quoted names, and any other character by itself. ASCII alone is told
// apart, so the text may be one character for each byte (latin1): what lies behind a FORMAT clause may be binary.
const lexer =
  /[ \t\r\n\f\v]+|--[^\n]*|\/\*[\s\S]*?\*\/|#[ !][^\n]*|[A-Za-z_][A-Za-z0-9_]*|[0-9][A-Za-z0-9_.]*|'(?:[^'\\]|\\[\s\S]|'')*'|"(?:[^"\\]|\\[\s\S]|"")*"|`(?:[^`\\]|\\[\s\S]|``)*`|\$([A-Za-z0-9_]*)\$[\s\S]*?\$\1\$|[\s\S]/y

function* tokensOf(sql: string): Generator<Token> {
  let depth = 0
  lexer.lastIndex = 0
  for (let start = 0; start < sql.length; ) {
    lexer.lastIndex = start
    const text = lexer.exec(sql)?.[0] ?? ''
    const end = start + text.length
    if (')]}'.includes(text)) depth--
    if (!/^(?:[ \t\r\n\f\v]|--|\/\*|#[ !])/.test(text)) {
      yield { text, upper: text.toUpperCase(), start, end, depth }
      lexer.lastIndex = end
    }
    if ('([{'.includes(text)) depth++
    start = end
  }
}

/** @param sql one statement, perhaps with an insert's data behind it */
export function parseStatement(sql: string): Statement {
  let kind: Statement['kind'] = 'other'
  let format: string | undefined
  let alters = false
  let several = false
  let fromInput = false
  let selects = false
  const settings = new Map<string, string>()
  const first: string[] = []
  let before: Token | undefined
  let beforeThat: Token | undefined
  let formatAt: Token | undefined
  let ended = false
  for (const token of tokensOf(sql)) {
    if (ended && token.text !== ';') {
      several = true
      break
    }
    if (first.length < 3) first.push(token.upper)
    if (first.length === 1) kind = kindOf(token.upper)
    const inserting = kind === 'insert'
    if (kind === 'select' && token.depth === 0 && token.upper === 'INSERT') kind = 'other'
    if (token.depth === 0 && (token.upper === 'SELECT' || token.upper === 'WITH' || token.upper === 'WATCH')) selects = true
    if (inserting && token.text === '(' && before?.upper === 'INPUT' && selects) fromInput = true
    if (before?.text === '=' && beforeThat !== undefined && isWord(beforeThat.text)) settings.set(beforeThat.text.toLowerCase(), token.text)
    const named = before?.upper === 'INTO' || before?.upper === 'TABLE' || before?.text === '.'
    if (inserting && !selects && token.depth === 0 && token.upper === 'VALUES' && !named) {
      return { kind, format: 'Values', head: token.start, data: token.end, alters, settings, several, fromInput }
    }
    if (formatAt !== undefined && before === formatAt && isWord(token.text)) {
      format = token.text
      if (inserting && !selects) {
        return { kind, format, head: formatAt.start, data: skipBreak(sql, token.end), alters, settings, several, fromInput }
      }
    }
    if (token.depth === 0 && token.upper === 'FORMAT' && !named) formatAt = token
    if (token.depth === 0 && token.text === ';') ended = true
    beforeThat = before
    before = token
  }
  if (kind === 'insert') kind = 'other'
  alters = first[0] === 'SET' || first[0] === 'USE' || (first[0] === 'CREATE' && first.includes('TEMPORARY'))
  return { kind, format, head: sql.length, data: sql.length, alters, settings, several, fromInput }
}

function kindOf(word: string): Statement['kind'] {
  if (word === 'INSERT') return 'insert'
  return word === 'SELECT' || word === 'WITH' || word === '(' ? 'select' : 'other'
}

function isWord(text: string): boolean {
  return /^[A-Za-z_]/.test(text)
}

/** Data begins behind the blanks and the line break that end the clause; other blanks may be data. */
function skipBreak(sql: string, at: number): number {
  const blanks = /[ \t\r]*(?:;[ \t\r]*)?\n?/y
  blanks.lastIndex = at
  return at + (blanks.exec(sql)?.[0].length ?? 0)
}

/** A string as SQL writes it. */
export function quote(text: string): string {
  return `'${text.replace(/[\\']/g, (character) => `\\${character}`)}'`
}
