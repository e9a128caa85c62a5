/** The embedded server's log: the lines that tell why it failed, wherever in Weir its end is noticed. */
import { readFileSync, realpathSync, statfsSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'

const logName = 'server.log'
/** Less than this is no room for one more segment of the write-ahead log and what goes with it. */
const littleBytes = 64e6

/** The server's log, in the folder that it keeps its files in. */
export function logIn(folder: string): string {
  return join(folder, logName)
}

/** Puts the log within reach of all who know the server's URL, which names the folder of its socket. */
export function linkLog(folder: string, sockets: string): void {
  symlinkSync(logIn(folder), logIn(sockets))
}

/** The last lines that are more than greetings; those that tell of a failure when only chatter follows it. */
export function lastWords(log: string): string {
  const lines = log.split('\n').filter((line) => line !== '' && !/LOG: {2}(starting|listening|database system is)/.test(line))
  const telling = lines.filter((line) => /FATAL|PANIC|ERROR|HINT|could not|error:/.test(line))
  const last = lines.slice(-3)
  const chatter = telling.length > 0 && !last.some((line) => telling.includes(line))
  return (chatter ? telling.slice(-3) : last).join('; ') || 'it said nothing'
}

/**
 * What the log of an embedded server says of its end, and how full its disk is when it is nearly full.
 * @param url that the connection was made with
 * @returns undefined for a given server, and when there is nothing to tell
 */
export function whyItEnded(url: string): string | undefined {
  try {
    const sockets = new URL(url).searchParams.get('host') ?? ''
    const log = readFileSync(logIn(sockets), 'utf8')
    const told: string[] = []
    // A folder that was used before has the logs of earlier servers in it, and any server refuses a connection now and then.
    const since = log.slice(Math.max(0, log.lastIndexOf('LOG:  starting PostgreSQL')))
    const fatal = since.split('\n').filter((line) => /PANIC|was terminated by|No space left|FATAL: {2}could not/.test(line))
    if (fatal.length > 0) told.push(`its log says: ${fatal.slice(-3).join('; ')}`)
    // The log is linked to from the socket's folder, which may lie on another disk.
    const folder = dirname(realpathSync(logIn(sockets)))
    const { bavail, bsize } = statfsSync(folder)
    if (bavail * bsize < littleBytes) {
      told.push(
        `the disk that holds ${folder} has only ${Math.round((bavail * bsize) / 1e6)} MB left: free some, or choose a folder on another disk with --data or TMPDIR`,
      )
    }
    return told.length > 0 ? told.join('; ') : undefined
  } catch {
    return undefined
  }
}
