/** The receiver as the registry knows it. */
import type { IntakeServiceModule } from '../service.js'
import { receiverApp } from './app.js'
import { startReceivers } from './instances/start.js'
import { Intake } from './intake.js'
import { noJournals } from './journal-folder.js'
import { defaultSettings, startReceiver } from './server.js'

export const receiver: IntakeServiceModule = {
  name: 'receiver',
  needs: 'objects',
  summary: 'takes POSTed lines in and keeps them, batch by batch, as objects',
  start: ({ scale, ...options }) => (scale === undefined ? startReceiver(options) : startReceivers({ ...options, ...scale })),
  async openapi() {
    const nowhere = new Proxy({} as never, { get: () => () => Promise.reject(new Error('nothing is kept here')) })
    const intake = await Intake.start({
      ...defaultSettings,
      objects: nowhere,
      journals: noJournals,
      mostBytes: 0,
      keys: undefined,
    })
    const { app } = await receiverApp({ ...defaultSettings, intake })
    try {
      return app.swagger()
    } finally {
      await app.close()
    }
  },
}
