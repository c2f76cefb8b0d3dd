import * as fc from 'fast-check'
import type { Address } from '../address.ts'
import type { Credentials } from '../credentials.ts'
import { formatIp } from '../ip.ts'

export const port: fc.Arbitrary<number> = fc.integer({ min: 0, max: 0xffff })

export const ipv4: fc.Arbitrary<string> = fc.uint8Array({ minLength: 4, maxLength: 4 }).map(formatIp)

/** Many zeros, so that there are runs to shorten. */
export const ipv6Bytes: fc.Arbitrary<Uint8Array> = fc
  .array(fc.oneof(fc.constant(0), fc.constant(0xffff), fc.integer({ min: 0, max: 0xffff })), {
    minLength: 8,
    maxLength: 8,
  })
  .map((groups) => Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 0xff])))

export const ipv6: fc.Arbitrary<string> = ipv6Bytes.map(formatIp)

const name = fc.stringMatching(/^[a-zA-Z0-9_*~.-]{1,255}$/)

export const address: fc.Arbitrary<Address> = fc.record({ host: fc.oneof(ipv4, ipv6, name), port })

export function credentials(word: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Credentials> {
  return fc.record({ username: word, password: word })
}
