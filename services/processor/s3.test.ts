/** Processors that read their objects from S3: whatever becomes of the server, each record becomes a row once. */
import { setTimeout as pause } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { parseKeys } from '../../objects/keys.js'
import { onS3 } from '../../objects/s3.testing.js'
import { startable, storeWith } from '../analytics/stores.testing.js'
import { Place } from './place.testing.js'

const keys = parseKeys(`k1:${Buffer.alloc(32, 1).toString('base64')}`)

for (const name of startable) {
  onS3(`two processors, while the server dies, comes back, stands still and goes on: ${name}`, async (server) => {
    const kept = await storeWith(name, [])
    const place = await Place.on(kept, server.place())
    try {
      const put = (from: number, to: number) =>
        Promise.all(
          Array.from({ length: to - from }, (_, i) => place.put([{ source: 1, first: (from + i) * 80, count: 100 }], { sealed: keys })),
        )
      await put(0, 10)
      await place.start({ keys })
      await place.start({ keys })
      await place.until(2)
      await server.kill()
      await until(() => place.troubles.length > 0)
      await server.again()
      await put(10, 20)
      await place.until(12)
      server.freeze()
      // Whatever they had asked for by now.
      await pause(100)
      server.thaw()
      await place.until(20)
      await place.assertHolds([{ source: 1, first: 0, count: 19 * 80 + 100 }])
      assert.match(place.troubles[0] ?? '', /127\.0\.0\.1/)
    } finally {
      server.thaw()
      await server.again()
      await place.remove()
      await kept.close()
    }
  })
}

async function until(there: () => boolean): Promise<void> {
  for (let looks = 0; !there(); looks++) {
    if (looks > 6000) throw new Error('it never came')
    await pause(5)
  }
}

test.run()
