/** Errors for the person at the terminal; each carries the exit status that main.ts sets. */

/** An error whose message is all that needs to be said. */
export class CommandError extends Error {
  constructor(
    message: string,
    readonly status: number,
  ) {
    super(message)
    this.name = new.target.name
  }
}

/** The command line, the environment or the configuration file is wrong. */
export class UsageError extends CommandError {
  constructor(message: string) {
    super(message, 2)
  }
}

/** The work was tried and failed. */
export class RunFailed extends CommandError {
  constructor(message: string) {
    super(message, 1)
  }
}

/** Stopped in good order by a signal. */
export class Interrupted extends CommandError {
  constructor(message = 'interrupted') {
    super(message, 130)
  }
}
