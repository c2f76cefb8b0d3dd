import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type WayIn, wayIn } from './way-in.ts'

const wayOf = (text: string): WayIn | undefined => wayIn(Buffer.from(text, 'latin1'))?.value

describe('the way in', () => {
  it.each([
    ['GET / HTTP/1.1', 'api'],
    ['POST /v1/requests HTTP/1.1', 'api'],
    ['GET https://a/', 'api'],
    ['GET HTTPS://a/', 'api'],
    ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'api2'],
    ['GET http://a/', 'forward'],
    ['GET httpx', 'forward'],
    ['CONNECT a:443 HTTP/1.1', 'forward'],
    ['CONNECT /a', 'forward'],
    ['OPTIONS * HTTP/1.1', 'forward'],
    ['nonsense\n', 'forward'],
    ['PRINT /', 'api'],
    [' '.repeat(40), 'forward'],
    ['x'.repeat(40), 'forward'],
  ] as const)('of %j is %s', (line, way) => {
    expect(wayOf(line)).toBe(way)
  })

  it.each(['', 'P', 'PRI *', 'PRIVATE', 'GET', 'GET ', 'GET h', 'GET https:/', 'x'.repeat(39)])(
    'of %j is not known yet',
    (line) => {
      expect(wayOf(line)).toBeUndefined()
    },
  )

  it('leaves all of it unread, is the same however much is there, and is known in the end', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 40 }), (line) => {
        const whole = wayIn(Buffer.from(line, 'latin1'))
        expect(whole?.size).toBe(0)
        for (let length = 0; length < 40; length += 1) {
          const early = wayOf(line.slice(0, length))
          if (early !== undefined) expect(early).toBe(whole?.value)
        }
      }),
    )
  })
})
