import { expect, it, vi } from 'vitest'
import { checkOpen, openness, type OpennessOptions } from './openness.ts'

const HERE = { host: '127.0.0.1', port: 1 }
const EVERYWHERE = { host: '0.0.0.0', port: 1 }

/** A program of which nothing is there but its users, and its end. */
const world = (size = 0) => {
  const followers = new Set<() => void>()
  const stops: (() => void)[] = []
  const directory = {
    size,
    guest: { cut: vi.fn<(code: string) => void>() },
    watch: (follow: () => void) => {
      followers.add(follow)
      return { [Symbol.dispose]: () => void followers.delete(follow) }
    },
  }
  const program = {
    directory,
    onStop: (letGo: () => void) => void stops.push(letGo),
  } as unknown as Parameters<typeof openness>[0]
  const users = (count: number): void => {
    directory.size = count
    for (const follow of followers) follow()
  }
  return { program, directory, users, followers, stop: () => stops.forEach((letGo) => letGo()) }
}

const options = (rest: Partial<OpennessOptions> = {}): OpennessOptions => ({
  ...{ open: false, listeners: [HERE], code: 'AUTH_REQUIRED' },
  ...rest,
})

it('is open on loopback until there is a user, and never again', () => {
  const { program, directory, users } = world()
  const isOpen = openness(program, options())
  users(0)
  expect([isOpen(), directory.guest.cut.mock.calls]).toEqual([true, []])
  users(1)
  expect([isOpen(), directory.guest.cut.mock.calls]).toEqual([false, [['AUTH_REQUIRED']]])
  users(0)
  users(2)
  expect([isOpen(), directory.guest.cut.mock.calls.length]).toEqual([false, 1])
})

it.each([
  ['with users', 1, [HERE], false],
  ['beyond loopback', 0, [HERE, EVERYWHERE], false],
  [
    'on loopback by its name',
    0,
    [
      { host: 'localhost', port: 1 },
      { host: '::1', port: 1 },
    ],
    true,
  ],
])('%s', (_what, size, listeners, expected) => {
  expect(openness(world(size).program, options({ listeners }))()).toBe(expected)
})

it('is open for good where that was said, and follows nobody', () => {
  const { program, users, directory, followers } = world(1)
  const isOpen = openness(program, options({ open: true, listeners: [EVERYWHERE] }))
  users(3)
  expect([isOpen(), directory.guest.cut.mock.calls.length, followers.size]).toEqual([true, 0, 0])
})

it('lets go of the users when the program stops', () => {
  const { program, followers, stop } = world()
  openness(program, options())
  expect(followers.size).toBe(1)
  stop()
  expect(followers.size).toBe(0)
})

it('refuses to listen beyond loopback for nobody, and says what to do', () => {
  const listeners = [
    { address: HERE, written: 'a' },
    { address: EVERYWHERE, written: '--listen: 0.0.0.0:1' },
  ]
  const refused = (size: number, open: boolean, add?: string): (() => void) => {
    const { program } = world(size)
    return () => checkOpen(program, { open, listeners, ...(add !== undefined && { add }) })
  }
  expect(refused(0, false)).toThrow(
    '--listen: 0.0.0.0:1 is not loopback and there is no user: add one with "user add NAME", or give --open',
  )
  expect(refused(0, false, 'user add NAME --node-id ID')).toThrow('"user add NAME --node-id ID"')
  for (const allowed of [refused(1, false), refused(0, true)]) expect(allowed).not.toThrow()
})
it('is open to nobody behind a balancer, which may bring anybody to loopback', () => {
  const { program } = world()
  let balancers: readonly string[] = []
  const isOpen = openness(program, options({ balancers: () => balancers }))
  expect(isOpen()).toBe(true)
  balancers = ['10.0.0.0/8']
  expect(isOpen()).toBe(false)
  const listeners = [{ address: HERE, written: '--listen: 127.0.0.1:1' }]
  expect(() => checkOpen(program, { open: false, listeners, balancers })).toThrow(
    '--listen: 127.0.0.1:1 is behind --proxy-protocol and there is no user',
  )
})
