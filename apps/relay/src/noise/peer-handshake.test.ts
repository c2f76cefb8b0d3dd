import { nodeIdOf } from '@sluice/wire/relay'
import { expect, it } from 'vitest'
import { testIdentity } from '../testing/test-identity.ts'
import { nodeVerify } from '../client/node-verify.ts'
import { nodeSuite } from '../client/node-suite.ts'
import type { PeerIdentity } from '../peer/identity.ts'
import {
  MAX_HANDSHAKE_MESSAGE,
  type MessagePort,
  type PeerHandshakeOptions,
  securePeers,
} from './peer-handshake.ts'

/** Two ends; what one sends may be changed on its way. */
const ports = (
  change: (message: Uint8Array) => Uint8Array = (message) => message,
): [MessagePort, MessagePort] => {
  const end = () => {
    const queue: Uint8Array[] = []
    let wake: ((message: Uint8Array) => void) | undefined
    return {
      put: (message: Uint8Array): void => {
        if (wake === undefined) queue.push(message)
        else wake(message)
        wake = undefined
      },
      receive: (): Promise<Uint8Array> =>
        new Promise((resolve) => {
          const first = queue.shift()
          if (first === undefined) wake = resolve
          else resolve(first)
        }),
    }
  }
  const [one, other] = [end(), end()]
  return [
    { send: (message) => other.put(change(message)), receive: one.receive },
    { send: (message) => one.put(change(message)), receive: other.receive },
  ]
}

const common = { suite: nodeSuite, verify: nodeVerify }
const idOf = ({ publicKey }: PeerIdentity): Uint8Array => nodeIdOf(publicKey)

const meet = (
  source: Partial<PeerHandshakeOptions>,
  destination: Partial<PeerHandshakeOptions>,
  change?: (message: Uint8Array) => Uint8Array,
) => {
  const [one, other] = ports(change)
  const [ours, theirs] = [testIdentity(), testIdentity()]
  const first = { ...common, role: 'initiator', identity: ours, expected: idOf(theirs), ...source } as const
  const second = {
    ...common,
    role: 'responder',
    identity: theirs,
    expected: idOf(ours),
    ...destination,
  } as const
  return { ours, theirs, ends: [securePeers(one, first), securePeers(other, second)] as const }
}

it('gives both the same keys, and each the identity of the other', async () => {
  const lengths: number[] = []
  const { ours, theirs, ends } = meet({}, {}, (message) => {
    lengths.push(message.length)
    return message
  })
  const [source, destination] = await Promise.all(ends)
  expect(source.keys).toEqual({ send: destination.keys.receive, receive: destination.keys.send })
  expect(source.keys.send).not.toEqual(source.keys.receive)
  expect([source.publicKey, destination.publicKey]).toEqual([theirs.publicKey, ours.publicKey])
  expect(source.hash).toEqual(destination.hash)
  expect(lengths).toEqual([32, 192, 160])
  expect(Math.max(...lengths)).toBe(MAX_HANDSHAKE_MESSAGE)
})

it('refuses another than the expected peer, whose prologue would be another one too', async () => {
  const { ends } = meet({ expected: idOf(testIdentity()) }, {})
  await expect(ends[0]).rejects.toMatchObject({ code: 'PEER_NOISE' })
})

/** Says it is one, and signs as another. */
const impostor = (victim: PeerIdentity): PeerIdentity => {
  const own = testIdentity()
  return { publicKey: victim.publicKey, sign: (bytes) => own.sign(bytes) }
}

it('refuses a destination that has the right id and not its key', async () => {
  const victim = testIdentity()
  const { ends } = meet({ expected: idOf(victim) }, { identity: impostor(victim) })
  await expect(ends[0]).rejects.toMatchObject({ code: 'PEER_IDENTITY' })
})

it('refuses a source that has the right id and not its key', async () => {
  const victim = testIdentity()
  const { ends } = meet({ identity: impostor(victim) }, { expected: idOf(victim) })
  await expect(ends[1]).rejects.toMatchObject({ code: 'PEER_IDENTITY' })
})

it('refuses one who has the prologue right and shows another identity', async () => {
  const [victim, other] = [testIdentity(), testIdentity()]
  let asked = 0
  // First for the prologue, then for the proof.
  const identity: PeerIdentity = {
    get publicKey() {
      return asked++ === 0 ? victim.publicKey : other.publicKey
    },
    sign: (bytes) => other.sign(bytes),
  }
  const { ends } = meet({ expected: idOf(victim) }, { identity })
  await expect(ends[0]).rejects.toMatchObject({ code: 'PEER_IDENTITY' })
})

it("does not take a source's signature for that of a destination", async () => {
  const both = testIdentity()
  let seen: Uint8Array | undefined
  // Signs what a source would sign for the same static key.
  const identity: PeerIdentity = {
    publicKey: both.publicKey,
    sign: (bytes) => {
      seen = Uint8Array.from(bytes)
      expect(seen[21]).toBe(1)
      seen[21] = 0
      return both.sign(seen)
    },
  }
  const { ends } = meet({ expected: idOf(both) }, { identity })
  await expect(ends[0]).rejects.toMatchObject({ code: 'PEER_IDENTITY' })
  expect(Buffer.from(seen!.subarray(0, 21)).toString()).toBe('sluice-relay/1 noise\0')
})

it('refuses a payload in the first message, and a proof of another length', async () => {
  const longer = meet({}, {}, (message) =>
    message.length === 32 ? Buffer.concat([message, message]) : message,
  )
  await expect(longer.ends[1]).rejects.toMatchObject({ code: 'PEER_NOISE' })
  const identity = { publicKey: testIdentity().publicKey, sign: () => new Uint8Array(63) }
  const short = meet({ expected: idOf(identity) }, { identity })
  await expect(short.ends[0]).rejects.toMatchObject({
    code: 'PEER_NOISE',
    message: expect.stringContaining('proof'),
  })
})

it('refuses a key that is none', async () => {
  const identity = { publicKey: new Uint8Array(32).fill(255), sign: () => new Uint8Array(64) }
  const { ends } = meet({ expected: idOf(identity) }, { identity })
  await expect(ends[0]).rejects.toMatchObject({ code: 'PEER_IDENTITY' })
})
