/** A hand on ClickHouse from outside: a passage that all connections go through, since it has no locks that others wait for. */
import { Passage } from '../../stores/clickhouse/passage.testing.js'
import type { Outside } from './outside.js'
import { until } from './until.js'

/** The beginning of an INSERT of rows, whose statement stands in the request's first line. */
const insertsRows = /^POST [^\r\n]*INSERT[^\r\n]*nginx_logfile_row/

export class ClickHouseOutside implements Outside {
  private constructor(private readonly passage: Passage) {}

  static async before(url: string): Promise<ClickHouseOutside> {
    return new ClickHouseOutside(await Passage.before(url))
  }

  get url(): string {
    return this.passage.url
  }

  async connections(): Promise<readonly number[]> {
    return this.passage.connections()
  }

  async onlyConnections(before: readonly number[]): Promise<void> {
    await until('connections are closed', () => this.passage.connections().every((id) => before.includes(id)))
  }

  async blocked(): Promise<number> {
    return this.passage.waiting()
  }

  async cut(connections: readonly number[]): Promise<void> {
    this.passage.cut(connections)
  }

  async lockRows(): Promise<() => Promise<void>> {
    this.passage.hold((head) => insertsRows.test(head))
    return async () => this.passage.release()
  }

  close(): Promise<void> {
    return this.passage.close()
  }
}
