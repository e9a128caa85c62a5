/** Bad input and faults on Postgres, as a user meets them. */
import { faultyPostgres } from './faults/stores.js'
import { faultsOf } from './faults/suite.js'

faultsOf(faultyPostgres)
