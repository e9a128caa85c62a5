/** The conformance suite over every target on a given Postgres. */
import { runSuite } from './conformance/suite.js'

runSuite('postgres by URL')
