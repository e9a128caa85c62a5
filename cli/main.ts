#!/usr/bin/env node
/** The program: parses the command line, runs one command, prints what it returns, and sets the exit status. Nobody else does. */
import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { redact } from '../results/redact.js'
import { capacity } from './capacity.js'
import { targets } from './catalogue.js'
import { clean } from './clean.js'
import type { AnyCommand, Context, Option, Outcome } from './command.js'
import { compare } from './compare.js'
import { doctor } from './doctor.js'
import { CommandError, UsageError } from './errors.js'
import { type FlagShape, flagLayer } from './flags.js'
import { gate } from './gate.js'
import { generate } from './generate.js'
import { commandHelp, programHelp } from './help.js'
import { history } from './history.js'
import { k6 } from './k6.js'
import { list } from './list.js'
import { parseSwitch } from './quantities.js'
import { run } from './run.js'
import { serve } from './serve.js'
import { environmentLayer, fileLayer, type Given, type Layer, read, Settings } from './settings.js'
import { side } from './side.js'
import { unknown } from './suggest.js'
import { sharedOptions, targetFlags } from './target-options.js'
import { Terminal } from './terminal.js'
import { verify } from './verify.js'

const commands: readonly AnyCommand[] = [run, compare, history, gate, capacity, k6, generate, verify, serve, list, doctor, clean]

/** Flags of every command. */
const common: Readonly<Record<string, FlagShape>> = {
  help: { kind: 'switch', alias: 'h' },
  'help-all': { kind: 'switch' },
  version: { kind: 'switch' },
  debug: { kind: 'switch' },
  config: { kind: 'value', placeholder: 'FILE' },
}
const configFile = 'weir.config.json'

async function main(words: readonly string[], terminal: Terminal): Promise<Outcome> {
  const [first, ...rest] = words
  if (first === undefined) return { status: 2, output: `${programHelp(commands)}\n` }
  if (first.startsWith('-')) return withoutCommand(words)
  const command = [...commands, side].find(({ name }) => name === first)
  if (!command) {
    throw new UsageError(
      unknown(
        'command',
        first,
        commands.map(({ name }) => name),
      ),
    )
  }

  const flags = flagLayer(rest, flagsOf(command), command.positionals, command.name)
  if (on(flags, 'version')) return { status: 0, output: `${version()}\n` }
  if (on(flags, 'help') || on(flags, 'help-all')) {
    return { status: 0, output: `${commandHelp(command, on(flags, 'help-all'), sharedOptions(targets))}\n` }
  }
  const settings = new Settings([flags, ...ambient(flags)])
  return command.handler(
    valuesOf(command, settings, (line) => terminal.notice(line)),
    context(settings, terminal),
  )
}

function withoutCommand(words: readonly string[]): Outcome {
  const flags = flagLayer(words, common, [], 'COMMAND')
  if (on(flags, 'version')) return { status: 0, output: `${version()}\n` }
  return { status: on(flags, 'help') || on(flags, 'help-all') ? 0 : 2, output: `${programHelp(commands)}\n` }
}

function on(flags: Layer, key: string): boolean {
  return flags.get(key)?.text === 'true'
}

function flagsOf(command: AnyCommand): Readonly<Record<string, FlagShape>> {
  return { ...(command.targetOptions ? targetFlags(targets) : {}), ...command.options, ...common }
}

/** Environment and configuration file: they may set any option of any command. */
function ambient(flags: Layer): readonly Layer[] {
  const known = [...new Set(commands.flatMap((command) => Object.keys(flagsOf(command))))].filter(
    (key) => !['help', 'help-all', 'version'].includes(key),
  )
  const environment = environmentLayer(process.env, known)
  const named = flags.get('config') ?? environment.get('config')
  const file = named?.text ?? configFile
  const path = resolve(file)
  if (!existsSync(path)) {
    if (named) throw new UsageError(`${named.origin}: there is no file ${file}`)
    return [environment]
  }
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    throw new UsageError(`${file} cannot be read: ${(error as Error).message}`)
  }
  return [
    environment,
    fileLayer(
      text,
      file,
      known.filter((key) => key !== 'config'),
    ),
  ]
}

/** What was given, read. A variable or a key of the file is for every command: where it means nothing to this one it is left aside, and that is told. */
function valuesOf(command: AnyCommand, settings: Settings, notice: (line: string) => void): Readonly<Record<string, unknown>> {
  const values: Record<string, unknown> = {}
  for (const [key, option] of Object.entries(command.options)) {
    const given = settings.find(key)
    if (given === undefined) continue
    if (option.kind === 'value' && option.flagOnly === true && given.layer !== 'flag') {
      notice(`${given.origin} is left aside: weir ${command.name} takes --${key} from the command line alone`)
      continue
    }
    try {
      values[key] = reading(option, given)
    } catch (error) {
      const others = commands.filter((other) => other !== command && other.options[key] !== undefined)
      if (given.layer === 'flag' || !others.some((other) => reads(other.options[key], given))) throw error
      notice(`${given.origin} is left aside: it is for other commands than weir ${command.name}`)
    }
  }
  return values
}

function reading(option: Option, given: Given): unknown {
  return read(given, option.kind === 'switch' ? parseSwitch : option.parse)
}

function reads(option: Option | undefined, given: Given): boolean {
  try {
    if (option !== undefined) reading(option, given)
    return option !== undefined
  } catch {
    return false
  }
}

function context(settings: Settings, terminal: Terminal): Context {
  return {
    print: write,
    notice: (line) => terminal.notice(redact(line)),
    progress: (line, label) => terminal.progress(line, label),
    ask: (question) => terminal.ask(question),
    signal: terminal.interrupts(),
    cwd: process.cwd(),
    display: { tty: process.stdout.isTTY === true, columns: process.stdout.columns ?? 120 },
    settings,
  }
}

function version(): string {
  const found = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { readonly version: string }
  return found.version
}

/** A reader that went away ends the program quietly; every other error of stdout is told. */
function endQuietlyOnBrokenPipe(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0)
    process.stderr.write(`weir: cannot write to the output: ${error.message}\n`)
    process.exit(1)
  })
  process.stderr.on('error', () => {})
}

function write(text: string): Promise<void> {
  return new Promise((done) => {
    if (text === '') done()
    else process.stdout.write(text, () => done())
  })
}

/** Asked before anything is parsed, since that may be what fails: a switch in any form, but for the configuration file's. */
function debugging(words: readonly string[]): boolean {
  const flag = words.findLast((word) => word === '--debug' || word.startsWith('--debug='))
  const text = flag === undefined ? process.env['WEIR_DEBUG'] : (flag.split('=')[1] ?? 'true')
  try {
    return text !== undefined && text !== '' && parseSwitch(text)
  } catch {
    return false
  }
}

/** The message for the person; the stack, and what caused it, for --debug. Credentials are not repeated. */
function told(error: unknown, debug: boolean): string {
  const text = error instanceof Error ? (debug ? (error.stack ?? error.message) : error.message) : String(error)
  const hint = debug || error instanceof CommandError ? '' : '\n(--debug shows where it happened)'
  return `weir: ${redact(text)}${hint}`
}

const words = process.argv.slice(2)
const terminal = new Terminal()
endQuietlyOnBrokenPipe()
try {
  const { status, output } = await main(words, terminal)
  terminal.clear()
  await write(output)
  process.exitCode = status
} catch (error) {
  terminal.clear()
  terminal.notice(told(error, debugging(words)))
  process.exitCode = error instanceof CommandError ? error.status : 1
}
terminal.release()
