/** The conformance suite over every target on a given ClickHouse. */
import { runSuite } from './conformance/suite.js'

runSuite('clickhouse by URL')
