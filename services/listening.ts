/** Has an application listen, and says where, or why not. */
import { rm } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import type { FastifyInstance } from 'fastify'

/**
 * @returns the URL: 'http://127.0.0.1:8080'
 * @throws Error that says what was wrong and what to do
 */
export async function listen(app: FastifyInstance, host: string, port: number, scheme: 'http' | 'https' = 'http'): Promise<string> {
  try {
    await app.listen({ host, port })
  } catch (error) {
    throw explain(error, host, port)
  }
  return urlOf(app.server.address() as AddressInfo, scheme)
}

/** Has an application listen on a Unix socket; one that a process which is no more has left there is replaced. */
export async function listenOnSocket(app: FastifyInstance, path: string): Promise<string> {
  await rm(path, { force: true })
  await app.listen({ path })
  return path
}

export function urlOf({ address, port, family }: AddressInfo, scheme: 'http' | 'https'): string {
  return `${scheme}://${family === 'IPv6' ? `[${address}]` : address}:${port}`
}

/**
 * An address that is free at this moment, for a program that listens there next.
 * @param port 0: any
 * @throws Error that says what was wrong and what to do
 */
export async function freeAddress(host: string, port: number): Promise<AddressInfo> {
  const server = createServer()
  try {
    await new Promise<void>((done, fail) => {
      server.once('error', fail)
      server.listen({ host, port, exclusive: true }, done)
    })
  } catch (error) {
    throw explain(error, host, port)
  }
  const at = server.address() as AddressInfo
  await new Promise((done) => server.close(done))
  return at
}

function explain(error: unknown, host: string, port: number): Error {
  const { code, message } = error as { readonly code?: string; readonly message?: string }
  const remedy: Readonly<Record<string, string>> = {
    EADDRINUSE: 'somebody else listens there: choose another port, or 0 for any free one',
    EACCES: 'ports below 1024 are for root: choose a higher one',
    EADDRNOTAVAIL: 'this machine has no such address',
    ENOTFOUND: 'that host has no address',
  }
  return new Error(`cannot listen on ${host}, port ${port}: ${remedy[code ?? ''] ?? message ?? code}`, { cause: error })
}
