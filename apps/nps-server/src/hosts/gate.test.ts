import { describe, expect, test } from 'vitest'
import type { LiveHost } from '../registry.ts'
import { type Asked, findHost, type Found } from './gate.ts'
import type { HostDoor } from './host-door.ts'

const live = { client: { record: {} }, record: { autoHttps: true } } as LiveHost

/** Where a visitor over http is sent, with https at that port. */
const sentBy = (port: number | undefined, asked: Partial<Asked> = {}): Found | Promise<Found> => {
  const door = {
    router: () => ({ find: () => live }),
    https: () => (port === undefined ? undefined : { host: '::', port }),
    logins: { check: () => undefined },
    now: () => 0,
  } as unknown as HostDoor
  const plain = { host: 'a.example', authority: 'A.example:8080', path: '/x?y', scheme: 'http' } as const
  return findHost({ ...plain, fields: [], ip: '127.0.0.1', ...asked }, door)
}

describe('a visitor who is to come by https is sent', () => {
  test.each<[string, number, Partial<Asked>, string]>([
    ['there without a port where it is the usual one', 443, {}, 'https://a.example/x?y'],
    ['to its port where it is another, whatever that of http is', 8443, {}, 'https://a.example:8443/x?y'],
    ['to an address', 8443, { host: '::1' }, 'https://[::1]:8443/x?y'],
    ['to the site where there is no path', 443, { path: '*' }, 'https://a.example/'],
  ])('%s', (_, port, asked, location) => {
    expect(sentBy(port, asked)).toEqual({ location })
  })

  test('nowhere where they are there, or where there is none', () => {
    expect(sentBy(443, { scheme: 'https' })).toEqual({ live })
    expect(sentBy(undefined)).toEqual({ live })
  })
})
