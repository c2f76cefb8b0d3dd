import { expect, test } from 'vitest'
import { endToEndFields, isLooped } from './http-fields.ts'
import { codeOf } from './testing/code-of.ts'

test('what is for the next hop alone goes, all else stays as it is', () => {
  const kept = [
    ['Accept', '*/*'],
    ['X-A', '1'],
    ['x-a', '2'],
    ['Via', '1.1 other'],
    ['Max-Forwards', '3'],
    ['Trailer', 'x-sum'],
  ] as const
  const gone = [
    ['Host', 'example.com'],
    ['Connection', 'close, X-Hop'],
    ['x-hop', '1'],
    ['Keep-Alive', 'timeout=5'],
    ['Proxy-Authorization', 'Basic dTpw'],
    ['proxy-connection', 'keep-alive'],
    ['TE', 'trailers'],
    ['Transfer-Encoding', 'chunked'],
    ['Content-Length', '5'],
    ['Upgrade', 'h2c'],
  ] as const
  expect(endToEndFields([...gone.slice(0, 2), ...kept, ...gone.slice(2)])).toEqual(kept)
})

test.each(['authorization', 'x y'])('Connection may not name %j', (name) => {
  expect(codeOf(() => endToEndFields([['Connection', name]]))).toBe('WIRE_VALUE')
})

test('a request that has come through here says so in Via', () => {
  expect(isLooped([['via', '1.0 a, 1.1 Me (comment)']], 'me')).toBe(true)
  expect(
    isLooped(
      [
        ['Via', '1.1 menu, 1.1 a me'],
        ['X-Via', '1.1 me'],
      ],
      'me',
    ),
  ).toBe(false)
})
