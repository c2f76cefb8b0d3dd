import { randomBytes } from 'node:crypto'
import { ManualClock } from '@sluice/ratelimit'
import { PacketWindow } from '@sluice/wire/shadowsocks'
import { expect, it } from 'vitest'
import { ssUserOf } from '../testing/users.ts'
import { EndedWindows } from './ended-windows.ts'

const AES = '2022-blake3-aes-128-gcm'
const [ada, bob] = ['ada', 'bob'].map((name) =>
  ssUserOf({ name, method: AES, secret: randomBytes(16).toString('base64') }),
)

it('knows a window for a minute, of its user and session alone', () => {
  const clock = new ManualClock()
  const ended = new EndedWindows(() => clock.now())
  const window = new PacketWindow()
  ended.keep(ada!, 1n, window)
  expect([ended.find(ada!, 1n), ended.find(ada!, 2n), ended.find(bob!, 1n)]).toEqual([
    window,
    undefined,
    undefined,
  ])
  clock.advance(61_000)
  expect(ended.find(ada!, 1n)).toBe(window)
  clock.advance(1000)
  expect([ended.find(ada!, 1n), ended.size]).toEqual([undefined, 0])
})

it('keeps one that ends again from then on', () => {
  const clock = new ManualClock()
  const ended = new EndedWindows(() => clock.now())
  ended.keep(ada!, 1n, new PacketWindow())
  clock.advance(40_000)
  ended.keep(ada!, 1n, new PacketWindow())
  clock.advance(40_000)
  expect(ended.find(ada!, 1n)).toBeDefined()
})

it('keeps no more than its bound, the last ones', () => {
  const ended = new EndedWindows(() => 0, 2)
  for (const id of [1n, 2n, 3n]) ended.keep(ada!, id, new PacketWindow())
  expect([1n, 2n, 3n].map((id) => ended.find(ada!, id) !== undefined)).toEqual([false, true, true])
})
