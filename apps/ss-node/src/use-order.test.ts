import { expect, it } from 'vitest'
import { ssUserOf } from './testing/users.ts'
import { UseOrder } from './use-order.ts'

const [ada, bob, eve, fay] = ['ada', 'bob', 'eve', 'fay'].map((name) => ssUserOf({ name })) as [
  ReturnType<typeof ssUserOf>,
  ReturnType<typeof ssUserOf>,
  ReturnType<typeof ssUserOf>,
  ReturnType<typeof ssUserOf>,
]
const made = (...users: (typeof ada)[]): UseOrder => {
  const order = new UseOrder()
  order.set(users)
  return order
}

it('begins with the order of the users, and goes on with that of their use', () => {
  const order = made(ada, bob, eve)
  expect(order.all()).toEqual([eve, bob, ada])
  order.used(bob, '192.0.2.1')
  order.used(eve, '192.0.2.1')
  expect([order.all(), order.size]).toEqual([[ada, bob, eve], 3])
})

it('keeps what it knows when users come and go', () => {
  const order = made(ada, bob, eve)
  order.used(bob, '192.0.2.1')
  order.set([ada, bob, fay])
  expect(order.all()).toEqual([fay, ada, bob])
})

it('knows who came from an address, the last one first', () => {
  const order = made(ada, bob, eve)
  expect(order.at('192.0.2.1')).toEqual([])
  for (const user of [ada, bob, ada, ada]) order.used(user, '192.0.2.1')
  order.used(eve, '192.0.2.2')
  expect([order.at('192.0.2.1'), order.at('192.0.2.2')]).toEqual([[ada, bob], [eve]])
})

it('forgets of an address who is no user any more', () => {
  const order = made(ada, bob, eve)
  for (const user of [ada, bob]) order.used(user, '192.0.2.1')
  order.set([bob, eve])
  order.used(ada, '192.0.2.1')
  order.used(eve, '192.0.2.1')
  expect(order.at('192.0.2.1')).toEqual([eve, bob])
})

it('knows eight of an address, and 65,536 addresses', () => {
  const users = Array.from({ length: 10 }, (_, index) => ssUserOf({ name: `user-${index}` }))
  const order = made(...users)
  for (const user of users) order.used(user, '192.0.2.1')
  expect(order.at('192.0.2.1')).toEqual(users.slice(2).toReversed())
  for (let i = 0; i < 65_535; i++) order.used(users[0]!, `other-${i}`)
  expect(order.at('192.0.2.1')).not.toEqual([])
  order.used(users[0]!, 'one more')
  expect(order.at('192.0.2.1')).toEqual([])
})
