import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { encodeRelayFrame } from './encode-frame.ts'
import { relayFrameDecoder } from './decode-frame.ts'
import { MAX_BODY } from './frame.ts'
import { relayReason } from './reason.ts'

test.each([
  ['circuits-total', 'circuits-total'],
  ['a\r\nb\u0000c\u0085d', 'a  b c d'],
  ['ä'.repeat(200), 'ä'.repeat(128)],
  [`${'a'.repeat(254)}€`, 'a'.repeat(254)],
  [`${'a'.repeat(252)}😀b`, `${'a'.repeat(252)}😀`],
  [`${'a'.repeat(255)}😀`, 'a'.repeat(255)],
  ['a\ud800b', 'a\ufffdb'],
])('%j becomes %j', (text, reason) => {
  expect(relayReason(text)).toBe(reason)
})

test('any text becomes one that a frame carries unchanged', () => {
  const decode = relayFrameDecoder(MAX_BODY.AFTER_AUTH)
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 400, size: 'max' }), (any) => {
      const notice = { type: 'notice', status: 14, text: relayReason(any) } as const
      expect(decode(encodeRelayFrame(notice))?.value).toEqual(notice)
      expect(relayReason(notice.text)).toBe(notice.text)
    }),
  )
})
