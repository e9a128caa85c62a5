/** Bad input and faults on ClickHouse, as a user meets them. */
import { faultyClickHouse } from './faults/stores.js'
import { faultsOf } from './faults/suite.js'

faultsOf(faultyClickHouse)
