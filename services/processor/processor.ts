/** The processor as the registry knows it. */
import type { ProcessorServiceModule } from '../service.js'
import { processorApp } from './app.js'
import { startProcessor } from './server.js'

export const processor: ProcessorServiceModule = {
  name: 'processor',
  needs: 'objects and run',
  summary: 'turns the objects of receivers into rows, each record once, however many processors there are',
  start: startProcessor,
  async openapi() {
    const idle = { waiting: 0, refused: 0, inHand: 0, conflicts: 0, takeovers: 0, trouble: undefined }
    const { app } = await processorApp({ processing: idle })
    try {
      return app.swagger()
    } finally {
      await app.close()
    }
  },
}
