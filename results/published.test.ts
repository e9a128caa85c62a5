/** The published figures: as they were published, in agreement with each other, and each with a sentence that says what it means. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { published, publishedRecordsPerSecond } from './published.js'

const secondsPerDay = 86_400

test('the row-at-a-time system: 32,368 lines a file, 52 s a file, 622 records/s, no gain from threads', () => {
  assert.is(published.linesPerFile, 32_368)
  assert.is(published.secondsPerFile, 52)
  assert.is(publishedRecordsPerSecond, 622)
  assert.is(Math.round(published.linesPerFile / published.secondsPerFile), 622)
  assert.is(published.speedupFromThreads, 1)
})

test('12,400 records/s of 1 KB are 1 TB a day, counted in binary', () => {
  const { recordsPerSecond, wholeRecordsPerSecond, bytesPerDay, bytesPerRecord } = published.terabyteADay
  assert.is(recordsPerSecond, 12_400)
  assert.is(bytesPerDay, 2 ** 40)
  assert.is(bytesPerRecord, 2 ** 10)
  assert.is(Math.floor(bytesPerDay / bytesPerRecord / secondsPerDay), wholeRecordsPerSecond)
  assert.is(Math.round(wholeRecordsPerSecond / 100) * 100, recordsPerSecond)
})

test('15M hits a day, then five times that, as mean rates', () => {
  const { pageHits, pageHitsGrown } = published
  assert.is(pageHits.hitsPerDay, 15_000_000)
  assert.is(pageHitsGrown.hitsPerDay, 75_000_000)
  for (const { hitsPerDay, recordsPerSecond } of [pageHits, pageHitsGrown]) {
    assert.is(Math.round(hitsPerDay / secondsPerDay), recordsPerSecond)
  }
})

test('every figure has a sentence of meaning, and every sentence a figure', () => {
  const { meaning, ...figures } = published
  assert.equal(Object.keys(meaning).sort(), Object.keys(figures).sort())
  for (const [figure, sentence] of Object.entries(meaning)) assert.ok(sentence.split(' ').length >= 5, figure)
})

test.run()
