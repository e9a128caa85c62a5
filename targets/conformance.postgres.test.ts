/** The conformance suite over every target on the embedded Postgres and on the null store. */
import { runSuite } from './conformance/suite.js'

runSuite('postgres', 'null')
