/** The registry of services: adding one is its folder and a line here. */
import { analytics } from './analytics/analytics.js'
import { processor } from './processor/processor.js'
import { receiver } from './receiver/receiver.js'
import type { ServiceModule } from './service.js'

export const services: readonly ServiceModule[] = [analytics, receiver, processor]
