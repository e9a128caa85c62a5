/** The conformance suite over every target on the embedded ClickHouse. */
import { runSuite } from './conformance/suite.js'

runSuite('clickhouse')
