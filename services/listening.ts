/** Has an application listen, and says where, or why not. */
import type { AddressInfo } from 'node:net'
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
  const at = app.server.address() as AddressInfo
  return `${scheme}://${at.family === 'IPv6' ? `[${at.address}]` : at.address}:${at.port}`
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
