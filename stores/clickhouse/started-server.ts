/** The embedded engine as a server that runs can use: started by Weir, and gone with it. */
import { join } from 'node:path'
import { fsyncMsIn } from '../postgres/facts.js'
import type { Abilities } from './abilities.js'
import { EmbeddedEngine, type EngineOptions } from './embedded.js'
import { Link } from './link.js'
import { ClickHouseServer, greet } from './server.js'

export class StartedServer extends ClickHouseServer {
  override readonly embedded = true

  private constructor(
    private readonly engine: EmbeddedEngine,
    link: Link,
    abilities: Abilities,
  ) {
    super(engine.url, link, abilities)
  }

  /** @throws Error that says what was wrong and what to do; nothing is left behind then */
  static async start({ durability, dataDirectory }: EngineOptions): Promise<StartedServer> {
    const engine = await EmbeddedEngine.start({ durability, ...(dataDirectory === undefined ? {} : { dataDirectory }) })
    try {
      return new StartedServer(engine, new Link(engine.url), await greet(engine.url))
    } catch (error) {
      await engine.close()
      throw error
    }
  }

  override async processes(): Promise<readonly number[]> {
    return this.engine.processes()
  }

  override async dataFolder(): Promise<string> {
    return join(this.engine.folder, 'data')
  }

  override async close(): Promise<void> {
    await super.close()
    await this.engine.close()
  }

  /** What the disk under the engine's data confirms. */
  protected override fsyncMs(): Promise<number | null> {
    return fsyncMsIn(this.engine.folder)
  }
}
