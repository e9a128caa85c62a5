/** The embedded engine as a server that runs can use: started by Weir, and gone with it. */
import { fsyncMsIn } from '../postgres/facts.js'
import type { Abilities } from './abilities.js'
import { Link } from './link.js'
import { ClickHouseServer, greet } from './server.js'

export interface StartOptions {
  readonly durability: 'power' | 'process'
  readonly dataDirectory?: string
}

export class StartedServer extends ClickHouseServer {
  override readonly embedded = true

  static async start(_options: StartOptions): Promise<StartedServer> {
    const url = 'http://default@127.0.0.1:18124'
    return new StartedServer(url, new Link(url), await greet(url))
  }
}
