/** Lays help out in 80 columns: what people need on one screen, the rest behind --help-all. */
import type { AnyCommand, Option } from './command.js'
import type { SharedOption } from './target-options.js'

const width = 80

/** Help of the program: its commands. */
export function programHelp(commands: readonly AnyCommand[]): string {
  const rows = commands.map(({ name, summary }) => [`  weir ${name}`, summary] as const)
  return [
    'weir COMMAND [flags]     measures how log records flow into a store',
    '',
    ...columns(rows),
    '',
    'weir COMMAND --help explains a command; weir --version names the version.',
    'Every option can be set by a variable (WEIR_STORE) or in weir.config.json too.',
  ].join('\n')
}

/** Help of one command; `targetOptions` are listed when everything is asked for. */
export function commandHelp(command: AnyCommand, all: boolean, targetOptions: readonly SharedOption[]): string {
  const places = command.positionals.map((key) => ` [${key}]`).join('')
  const options = Object.entries(command.options)
  const common = options.filter(([, option]) => all || !option.rare)
  const lines = [`weir ${command.name}${places} [flags]`, ...wrap(command.summary, width), '']
  lines.push(...columns(common.map(([key, option]) => [`  ${flagOf(key, option)}`, option.summary] as const)))
  if (all && command.targetOptions) {
    lines.push('', 'Options of targets (one target only: --TARGET.OPTION):')
    lines.push(...columns(targetOptions.map((option) => targetRow(option))))
  }
  if (command.examples.length > 0) lines.push('', 'Examples', ...command.examples.map((example) => `  ${example}`))
  const hidden = command.targetOptions || options.length > common.length
  if (all) {
    lines.push('', 'Flags go before variables (WEIR_STORE), variables before weir.config.json.')
    lines.push('  --config FILE  another configuration file     --debug  errors with a trace')
  } else if (hidden)
    lines.push('', `weir ${command.name} --help-all lists every flag${command.targetOptions ? ', those of targets too' : ''}.`)
  return lines.join('\n')
}

function flagOf(key: string, option: Option): string {
  const alias = option.alias ? `-${option.alias}, ` : ''
  if (option.alias !== undefined && key === option.alias) return `-${key}${option.kind === 'value' ? ` ${option.placeholder}` : ''}`
  return `${alias}--${key}${option.kind === 'value' ? ` ${option.placeholder}` : ''}`
}

function targetRow({ key, targets }: SharedOption): readonly [string, string] {
  const first = targets[0]?.spec
  const defaults = [...new Set(targets.map(({ spec }) => String(spec.default)))].join(' or ')
  const words = first?.words === undefined ? '' : `: ${first.words.join(', ')}`
  const text = `${first?.summary ?? ''}${words} (${defaults}); ${targets.map(({ target }) => target).join(', ')}`
  const word = { count: ' N', milliseconds: ' MS', bytes: ' BYTES', flag: '', word: ' WORD' }[first?.type ?? 'count']
  return [`  --${key}${word}`, text]
}

/** Two columns; the right one is wrapped, the left one is as wide as its widest but 28 at most. */
function columns(rows: readonly (readonly [string, string])[]): string[] {
  const left = Math.min(28, Math.max(0, ...rows.map(([name]) => name.length)) + 2)
  return rows.flatMap(([name, text]) => {
    const [first = '', ...rest] = wrap(text, width - left)
    const head = name.length >= left ? [name, ' '.repeat(left) + first] : [name.padEnd(left) + first]
    return [...head, ...rest.map((line) => ' '.repeat(left) + line)]
  })
}

function wrap(text: string, columnsWide: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > columnsWide) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  if (line !== '') lines.push(line)
  return lines
}
