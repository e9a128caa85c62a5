/** Quantities are read as people write them, and what cannot be read is refused with what is accepted. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { UsageError } from './errors.js'
import {
  parseBytes,
  parseCount,
  parseDuration,
  parseLength,
  parseMilliseconds,
  parsePositiveCount,
  parseRate,
  parseSeed,
  parseSegment,
  parseShare,
  parseStart,
  parseSwitch,
} from './quantities.js'

/** Every message must match. */
function refuses(parse: (text: string) => unknown, cases: Readonly<Record<string, RegExp>>): void {
  for (const [text, message] of Object.entries(cases)) {
    assert.throws(
      () => parse(text),
      (error: unknown) => {
        assert.instance(error, UsageError)
        assert.match((error as Error).message, message)
        return true
      },
    )
  }
}

test('counts', () => {
  for (const [text, value] of Object.entries({
    '0': 0,
    '1': 1,
    '250_000': 250_000,
    '1M': 1e6,
    '1.5M': 1.5e6,
    '50k': 50_000,
    '2G': 2e9,
    '0.001k': 1,
  })) {
    assert.is(parseCount(text), value, text)
  }
  assert.is(parseCount('1.1k'), 1100)
  refuses(parseCount, {
    fast: /^"fast" is not a number; write a count such as 5000, 250_000, 50k or 1\.5M$/,
    '': /is not a number/,
    '-5': /"-5" is not a count/,
    '1m': /unknown unit "m"/,
    '1e6': /is not a number/,
    '1.5': /not a whole number/,
    '1,000': /is not a number/,
    '1_00': /is not a number/,
    '9999999999999G': /too large/,
    NaN: /is not a number/,
    Infinity: /is not a number/,
    '0x10': /is not a number/,
    '1toString': /unknown unit/,
  })
  refuses(parsePositiveCount, { '0': /at least 1/ })
})

test('durations are no longer than a timer can be', () => {
  assert.is(parseDuration('596h'), 596 * 3600e3)
  refuses(parseDuration, { '597h': /"597h" is too long: at most 596h/, '36000m': /too long/ })
  assert.is(parseMilliseconds('2147483647'), 2 ** 31 - 1)
  refuses(parseMilliseconds, { '2147483648': /too long/ })
})

test('lengths: a B makes bytes', () => {
  assert.equal(parseLength('1M'), { kind: 'records', records: 1e6 })
  assert.equal(parseLength('1MB'), { kind: 'bytes', bytes: 1e6 })
  assert.equal(parseLength('1.5TB'), { kind: 'bytes', bytes: 1.5e12 })
  assert.equal(parseLength('10 GB'), { kind: 'bytes', bytes: 1e10 })
  refuses(parseLength, {
    '1GiB': /unknown unit "GiB"; write a count \(1M, 250_000\) or a size \(500MB, 10GB, 1TB\)/,
    '0': /at least 1/,
    '0MB': /at least 1/,
    '-1': /is not a number/,
    '1T': /unknown unit "T"/,
  })
})

test('durations need a unit, milliseconds do not', () => {
  assert.is(parseDuration('30s'), 30_000)
  assert.is(parseDuration('5m'), 300_000)
  assert.is(parseDuration('500ms'), 500)
  assert.is(parseDuration('1.5s'), 1500)
  assert.is(parseMilliseconds('250'), 250)
  assert.is(parseMilliseconds('3m'), 180_000)
  refuses(parseDuration, { '30': /unknown unit "".*500ms, 30s/, '0s': /at least 1/, '5M': /unknown unit "M"/, soon: /is not a number/ })
})

test('rates and bytes', () => {
  assert.is(parseRate('50k'), 50_000)
  assert.is(parseRate('50k/s'), 50_000)
  assert.is(parseBytes('64kB'), 64_000)
  assert.is(parseBytes('65536'), 65_536)
  refuses(parseRate, { fast: /^"fast" is not a number/, '0': /at least 1/, '-1': /is not a rate/ })
  refuses(parseBytes, { '1M': /unknown unit "M"; write bytes such as/ })
})

test('segments are numbered from 1', () => {
  assert.equal(parseSegment('3/64'), { index: 3, of: 64 })
  refuses(parseSegment, {
    '0/3': /numbered from 1 to 3/,
    '4/3': /numbered from 1 to 3/,
    '1': /write i\/n/,
    '1/0': /write i\/n/,
    'a/b': /write i\/n/,
  })
})

test('shares are percentages or fractions, neither nothing nor all', () => {
  assert.is(parseShare('5%'), 0.05)
  assert.is(parseShare('2.5 %'), 0.025)
  assert.is(parseShare('0.5'), 0.5)
  refuses(parseShare, {
    '0%': /more than 0%/,
    '100%': /less than 100%/,
    '5': /less than 100%/,
    half: /write a percentage/,
    '-1%': /a share/,
  })
})

test('seeds have 64 bits', () => {
  assert.is(parseSeed('18446744073709551615'), '18446744073709551615')
  assert.is(parseSeed('007'), '7')
  refuses(parseSeed, { '18446744073709551616': /2\^64-1/, '-1': /not a seed/, '1.5': /not a seed/, '': /not a seed/ })
})

test('starts are UTC and whole seconds', () => {
  assert.is(parseStart('2026-03-01'), Date.UTC(2026, 2, 1))
  assert.is(parseStart('2026-03-01T12:30'), Date.UTC(2026, 2, 1, 12, 30))
  assert.is(parseStart('2026-03-01T12:30:15.9Z'), Date.UTC(2026, 2, 1, 12, 30, 15))
  assert.is(parseStart('2026-03-01 12:30:00+02:00'), Date.UTC(2026, 2, 1, 10, 30))
  refuses(parseStart, {
    '2026-02-30': /not a date that exists/,
    yesterday: /write an ISO date/,
    '2026-13-01': /exists/,
    '2026-01-01T25:00': /exists/,
  })
})

test('switches', () => {
  for (const text of ['1', 'true', 'YES', 'on']) assert.is(parseSwitch(text), true)
  for (const text of ['0', 'false', 'no', 'off']) assert.is(parseSwitch(text), false)
  refuses(parseSwitch, { maybe: /write true or false/, '': /write true or false/ })
})

test.run()
