/** The contract of a command and of its options: what main.ts needs to parse for it, explain it and run it. */
import type { Settings } from './settings.js'

/** An option with a value: `--rate 50k`, `WEIR_RATE=50k` or `"rate": "50k"`. */
export interface ValueOption<T> {
  readonly kind: 'value'
  readonly alias?: string
  /** Stands for the value in help. */
  readonly placeholder: string
  readonly summary: string
  /** Shown by --help-all only. */
  readonly rare?: boolean
  /** Given on the command line or not at all: what it names is destroyed, and a variable is set for other commands too. */
  readonly flagOnly?: boolean
  /** Reads the value, or throws a UsageError that says what is accepted. */
  parse(text: string): T
}

/** An option that is on or off: `--json`, `--json=false`, `WEIR_JSON=1` or `"json": true`. */
export interface SwitchOption {
  readonly kind: 'switch'
  readonly alias?: string
  readonly summary: string
  readonly rare?: boolean
}

export type Option = ValueOption<unknown> | SwitchOption
export type Options = Readonly<Record<string, Option>>

/** What was given, by option; undefined where nothing was said, so that a command can tell. */
export type Values<O extends Options> = {
  readonly [K in keyof O]: O[K] extends ValueOption<infer T> ? T | undefined : boolean | undefined
}

export function value<T>(option: Omit<ValueOption<T>, 'kind'>): ValueOption<T> {
  return { kind: 'value', ...option }
}

export function toggle(option: Omit<SwitchOption, 'kind'>): SwitchOption {
  return { kind: 'switch', ...option }
}

/** What a command may touch of the outside world. What is for stdout is returned; only generate's threads write there themselves. */
export interface Context {
  /** Writes to stdout what cannot wait for the command's end: where a service listens. */
  print(text: string): Promise<void>
  /** Tells the user something on stderr: a line that stays. */
  notice(line: string): void
  /** Shows the state of the work on stderr: rewritten in place on a terminal; elsewhere a plain line for each new label and every few seconds. */
  progress(line: string, label: string): void
  /** Asks a yes-or-no question on the terminal; undefined when nobody can answer. */
  ask(question: string): Promise<boolean | undefined>
  /** Aborted by the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal
  readonly cwd: string
  /** What stdout is shown on. */
  readonly display: { readonly tty: boolean; readonly columns: number }
  readonly settings: Settings
}

export interface Outcome {
  readonly status: number
  /** For stdout, as it is; '' for nothing. */
  readonly output: string
}

export interface Command<O extends Options = Options> {
  readonly name: string
  readonly summary: string
  readonly options: O
  /** Options that may be given by place instead of by name, in order. */
  readonly positionals: readonly (keyof O & string)[]
  /** Whether the options of targets are flags of this command too. */
  readonly targetOptions: boolean
  /** Each works when pasted. */
  readonly examples: readonly string[]
  handler(values: Values<O>, context: Context): Promise<Outcome>
}

export type AnyCommand = Omit<Command, 'handler' | 'positionals'> & {
  readonly positionals: readonly string[]
  handler(values: Readonly<Record<string, unknown>>, context: Context): Promise<Outcome>
}

/** Ties the options' types to the handler that reads them. */
export function defineCommand<const O extends Options>(command: Command<O>): AnyCommand {
  return command as unknown as AnyCommand
}
