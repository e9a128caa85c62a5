/** Addresses have one form, whole numbers keep their digits, spans end where records do. */
import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { canonicalAddress, canonicalNetwork, isAddress, spanSeconds, whole } from './analytics-values.js'

test('addresses by RFC 5952, a mapped one as the IPv4 address that it stands for', () => {
  const forms: readonly (readonly [string, string])[] = [
    ['198.51.100.7', '198.51.100.7'],
    ['::FFFF:198.51.100.7', '198.51.100.7'],
    ['0:0:0:0:0:ffff:c633:6407', '198.51.100.7'],
    ['::ffff:0:0', '0.0.0.0'],
    ['::ffff:0:192.0.2.33', '::ffff:0:c000:221'],
    ['::1.2.3.4', '::102:304'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['2001:DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['1:0:0:2::', '1:0:0:2::'],
    ['0001:0:0:0:1:0:0:0', '1::1:0:0:0'],
  ]
  for (const [text, canonical] of forms) {
    assert.is(canonicalAddress(text), canonical)
    assert.is(canonicalAddress(canonical), canonical)
  }
})

test('every address has a form that is its own form', () => {
  const group = fc.oneof(fc.constant(0), fc.constant(0xffff), fc.integer({ min: 0, max: 0xffff }))
  fc.assert(
    fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), (groups) => {
      const text = groups.map((number) => number.toString(16).toUpperCase().padStart(4, '0')).join(':')
      const canonical = canonicalAddress(text)
      assert.ok(isAddress(canonical))
      assert.is(canonicalAddress(canonical), canonical)
      assert.is(canonicalAddress(text.toLowerCase()), canonical)
    }),
  )
})

test('what is no address is none', () => {
  for (const text of ['', '1.2.3', '1.2.3.4/8', 'fe80::1%eth0', '::1]', '01.2.3.4', 'host']) {
    assert.not.ok(isAddress(text))
    assert.throws(() => canonicalAddress(text), /is no address/)
  }
})

test('networks, whole numbers, spans', () => {
  assert.is(canonicalNetwork('::ffff:203.0.0.0', 16, 32), '203.0.0.0/16')
  assert.is(canonicalNetwork('2001:db8:0:0:0:0:0:0', 16, 32), '2001:db8::/32')
  assert.is(whole('9007199254740991'), 9_007_199_254_740_991)
  assert.is(whole('9007199254740993'), 9_007_199_254_740_993n)
  assert.equal(spanSeconds({ fromMs: null, toMs: null }), { from: 0, to: 4_102_444_800 })
  assert.equal(spanSeconds({ fromMs: -1e15, toMs: 8.64e15 }), { from: 0, to: 4_102_444_800 })
  assert.equal(spanSeconds({ fromMs: 1_000, toMs: 1_001 }), { from: 1, to: 2 })
})

test.run()
