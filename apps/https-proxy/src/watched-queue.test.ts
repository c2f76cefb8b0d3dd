import type { QueueGuest, QueuePlace } from '@sluice/ratelimit'
import type { Caller } from '@sluice/service'
import { expect, it } from 'vitest'
import type { AdmissionTicket, Slot } from './admission.ts'
import { WatchedQueue } from './watched-queue.ts'

it('tells how long a turn was waited for, and how long it lasted, once', async () => {
  const seen: (string | number)[] = []
  let now = 100
  const slot: Slot = { waitedMs: 7, [Symbol.dispose]: () => void seen.push('given back') }
  const tickets: AdmissionTicket[] = []
  const enter = (ticket: AdmissionTicket): Promise<Slot> => {
    tickets.push(ticket)
    return Promise.resolve(slot)
  }
  const watch = {
    waited: (_ticket: AdmissionTicket, ms: number) => void seen.push('waited', ms),
    held: (_ticket: AdmissionTicket, ms: number) => void seen.push('held', ms),
  }
  const queue = new WatchedQueue({ enter, join: () => undefined }, watch, () => now)
  const caller = { door: 'proxy' } as Caller
  const { signal } = new AbortController()
  const held = await queue.forwarded(1)(caller, 50, signal)
  expect([tickets, seen]).toEqual([[{ caller, priority: 1, bytes: 50, signal }], ['waited', 7]])
  now += 30
  held[Symbol.dispose]()
  held[Symbol.dispose]()
  expect(seen).toEqual(['waited', 7, 'given back', 'held', 30])
})

it('tells a guest of its turn, and the same of that', () => {
  const seen: unknown[] = []
  const slot: Slot = { waitedMs: 7, [Symbol.dispose]: () => void seen.push('given back') }
  const guests: QueueGuest[] = []
  const place: QueuePlace = { leave: () => true }
  const join = (_ticket: AdmissionTicket, guest: QueueGuest): QueuePlace => (guests.push(guest), place)
  let now = 100
  const watch = {
    waited: (_ticket: AdmissionTicket, ms: number) => void seen.push('waited', ms),
    held: (_ticket: AdmissionTicket, ms: number) => void seen.push('held', ms),
  }
  const queue = new WatchedQueue({ enter: () => Promise.resolve(slot), join }, watch, () => now)
  const got: Slot[] = []
  const guest = { onSlot: (one: Slot) => void got.push(one), onRefused: () => expect.unreachable() }
  expect(queue.join({ caller: {} as Caller, priority: 1, bytes: 0 }, guest)).toBe(place)
  guests[0]?.onSlot(slot)
  now += 30
  for (const one of [...got, ...got]) one[Symbol.dispose]()
  expect([got[0]?.waitedMs, seen]).toEqual([7, ['waited', 7, 'given back', 'held', 30]])
})

it('has no more to say of who was refused than the queue', async () => {
  const refusal = new Error('full')
  const refuse = (_ticket: AdmissionTicket, guest: QueueGuest): undefined => {
    guest.onRefused(refusal)
  }
  const watch = { waited: () => expect.unreachable(), held: () => expect.unreachable() }
  const queue = new WatchedQueue({ enter: () => Promise.reject(refusal), join: refuse }, watch)
  const ticket = { caller: {} as Caller, priority: 1, bytes: 0 }
  await expect(queue.enter(ticket)).rejects.toBe(refusal)
  const told: Error[] = []
  queue.join(ticket, { onSlot: () => expect.unreachable(), onRefused: (error) => void told.push(error) })
  expect(told).toEqual([refusal])
})
