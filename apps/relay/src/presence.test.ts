import { expect, it } from 'vitest'
import { MemoryPresence } from './presence.ts'

const HERE = { relay: 'tls://a.example:4001', epoch: 1 }
const THERE = { relay: 'tls://b.example:4001', epoch: 2 }

function world(): { presence: MemoryPresence; pass: (ms: number) => void } {
  let now = 0
  return { presence: new MemoryPresence(() => now), pass: (ms) => (now += ms) }
}

it('knows where a peer is until the claim is released, or not repeated in time', async () => {
  const { presence, pass } = world()
  expect(await presence.lookup('peer')).toBeUndefined()
  await presence.claim('peer', HERE, 1000)
  pass(600)
  await presence.claim('peer', HERE, 1000)
  pass(999)
  expect(await presence.lookup('peer')).toEqual(HERE)
  pass(1)
  expect(await presence.lookup('peer')).toBeUndefined()
  expect(presence.size).toBe(0)
  await presence.claim('peer', HERE, 1000)
  await presence.release('peer', HERE)
  expect(await presence.lookup('peer')).toBeUndefined()
})

it('has the newest claim, which neither a late claim nor a late release of an older one undoes', async () => {
  const { presence } = world()
  await presence.claim('peer', HERE, 1000)
  await presence.claim('peer', THERE, 1000)
  await presence.release('peer', HERE)
  await presence.claim('peer', HERE, 1000)
  expect(await presence.lookup('peer')).toEqual(THERE)
})
