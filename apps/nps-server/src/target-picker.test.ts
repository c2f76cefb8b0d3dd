import { expect, test } from 'vitest'
import { type Picked, parseTarget, TargetPicker } from './target-picker.ts'

const THREE = ['a:1', 'b:1', 'c:1']

const pickerOf = (
  ...first: string[]
): { picker: TargetPicker; list: { targets: string[]; balance: 'roundRobin' | 'leastConnections' } } => {
  const list = { targets: first, balance: 'roundRobin' as 'roundRobin' | 'leastConnections' }
  return { picker: new TargetPicker(() => list), list }
}
const hostsOf = (picks: readonly Picked[]): string => picks.map(({ address }) => address.host).join('')
const take = (picker: TargetPicker, times: number): Picked[] =>
  Array.from({ length: times }, () => picker.pick())

test('a bare port is one of the client itself', () => {
  expect(parseTarget('80')).toEqual({ host: '127.0.0.1', port: 80 })
  expect(parseTarget('[::1]:80')).toEqual({ host: '::1', port: 80 })
  for (const text of ['', '65536', 'name', 'a b:1', '123456']) {
    expect(() => parseTarget(text)).toThrow(expect.objectContaining({ code: 'WIRE_ADDRESS' }))
  }
})

test('targets take turns', () => {
  const { picker } = pickerOf(...THREE)
  expect(hostsOf(take(picker, 6))).toBe('bcabca')
})

test('the one with the fewest visitors is taken, and all of them in turn where they have as many', () => {
  const { picker, list } = pickerOf(...THREE)
  list.balance = 'leastConnections'
  const picks = take(picker, 6)
  expect(hostsOf(picks).split('').toSorted().join('')).toBe('aabbcc')
  for (const pick of picks) if (pick.address.host === 'b') pick.release()
  expect(hostsOf(take(picker, 2))).toBe('bb')
})

test('what is down is left out until all who found it so find it up, unless all are down', () => {
  const { picker } = pickerOf(...THREE)
  picker.setUp('a:1', false, 'check')
  picker.setUp('a:1', false, 'client')
  picker.setUp('nowhere:1', false, 'client')
  expect(hostsOf(take(picker, 4))).not.toContain('a')
  picker.setUp('a:1', true, 'check')
  expect(picker.down).toEqual(['a:1'])
  picker.setUp('b:1', false, 'check')
  picker.setUp('c:1', false, 'check')
  expect(hostsOf(take(picker, 3)).split('').toSorted().join('')).toBe('abc')
  picker.setUp('a:1', true, 'client')
  expect(hostsOf(take(picker, 3))).toBe('aaa')
})

test('who is led on gets to each target that is up once, counted where it is', () => {
  const { picker, list } = pickerOf(...THREE)
  list.balance = 'leastConnections'
  const pick = picker.pick()
  const seen = [pick.address.host]
  expect(pick.others).toBe(2)
  while (pick.next()) seen.push(pick.address.host)
  expect(seen.toSorted().join('')).toBe('abc')
  expect(pick.others).toBe(0)
  const last = seen[2]!
  expect(hostsOf(take(picker, 2))).not.toContain(last)
  pick.release()
  expect(hostsOf(take(picker, 1))).toBe(last)
})

test('nobody is led on to what is down, or once they have left', () => {
  const { picker } = pickerOf(...THREE)
  picker.setUp('a:1', false, 'check')
  const [pick, gone] = [picker.pick(), picker.pick()]
  expect([pick.next(), pick.next()]).toEqual([true, false])
  expect([gone.release(), gone.next(), gone.others]).toEqual([undefined, false, 0])
  for (const text of THREE) picker.setUp(text, false, 'check')
  expect(picker.pick().others).toBe(2)
})

test('a list may change: what stays keeps its visitors and state', () => {
  const { picker, list } = pickerOf('a:1', 'b:1')
  list.balance = 'leastConnections'
  take(picker, 4)
  picker.setUp('b:1', false, 'check')
  list.targets = ['b:1', 'c:1', 'a:1']
  expect(hostsOf(take(picker, 2))).toBe('cc')
  expect(picker.down).toEqual(['b:1'])
  list.targets = []
  expect(() => picker.pick()).toThrow(expect.objectContaining({ code: 'DIAL_FAILED' }))
})
