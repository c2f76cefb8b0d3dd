import { expect, test } from 'vitest'
import { RegisteredAddresses } from './registered-addresses.ts'
import { checkMayVisit, checkVisitor, type VisitorLists } from './visitor-lists.ts'

const may = (ip: string, ...lists: VisitorLists[]): boolean => {
  try {
    checkVisitor(ip, ...lists)
    return true
  } catch (error) {
    expect(error).toMatchObject({ code: 'VISITOR_DENIED' })
    return false
  }
}

test('without lists, and with empty ones, everybody may come', () => {
  expect(may('192.0.2.1')).toBe(true)
  expect(may('192.0.2.1', {}, { allow: [], deny: [] })).toBe(true)
})

test('whom a list denies, or does not allow, may not come; to deny goes first', () => {
  const list = { allow: ['192.0.2.0/24', '2001:db8::/32'], deny: ['192.0.2.7'] }
  expect(may('192.0.2.1', list)).toBe(true)
  expect(may('::ffff:192.0.2.1', list)).toBe(true)
  expect(may('2001:db8::1', list)).toBe(true)
  expect(may('192.0.2.7', list)).toBe(false)
  expect(may('198.51.100.1', list)).toBe(false)
  expect(may('2001:db9::1', { deny: ['2001:db9::/32'] })).toBe(false)
})

test('all lists have to let a visitor in', () => {
  const [client, tunnel] = [{ allow: ['192.0.2.0/24'] }, { deny: ['192.0.2.128/25'] }]
  expect(may('192.0.2.1', client, tunnel)).toBe(true)
  expect(may('192.0.2.200', client, tunnel)).toBe(false)
  expect(may('198.51.100.1', client, tunnel)).toBe(false)
})

test('a client may want addresses that were registered, besides what its lists say', () => {
  const registered = new RegisteredAddresses()
  const visit = (ip: string, registeredOnly: boolean, now: number): boolean => {
    const record = { registeredOnly, deny: ['192.0.2.9'] } as never
    try {
      checkMayVisit(ip, { client: { record, registered }, record: {} as never }, now)
      return true
    } catch (error) {
      expect(error).toMatchObject({ code: 'VISITOR_DENIED' })
      return false
    }
  }
  registered.add('192.0.2.1', 1, 0)
  registered.add('192.0.2.9', 1, 0)
  expect([visit('192.0.2.1', true, 1), visit('192.0.2.2', true, 1)]).toEqual([true, false])
  expect(visit('192.0.2.2', false, 1)).toBe(true)
  expect([visit('192.0.2.1', true, 3_600_000), visit('192.0.2.9', true, 1)]).toEqual([false, false])
})
