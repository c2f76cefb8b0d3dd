import { createPrivateKey } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { nodeKeys, nodeSuite } from '../client/node-suite.ts'
import vectors from '../testing/noise-xx.json' with { type: 'json' }
import { Nonce } from './nonce.ts'
import type { NoiseKeys } from './noise-suite.ts'
import { type NoiseRole, XxHandshake } from './xx-handshake.ts'

/** PrivateKeyInfo of X25519 up to the key itself. */
const PKCS8 = '302e020100300506032b656e04220420'
const fromHex = (hex: string): Uint8Array => Buffer.from(hex, 'hex')
const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const keysOf = (hex: string): NoiseKeys =>
  nodeKeys(createPrivateKey({ key: Buffer.from(PKCS8 + hex, 'hex'), format: 'der', type: 'pkcs8' }))

const NOTHING: Uint8Array = new Uint8Array(0)

const fresh = async (role: NoiseRole, prologue = NOTHING, staticKeys?: NoiseKeys): Promise<XxHandshake> =>
  new XxHandshake(nodeSuite, {
    role,
    prologue,
    staticKeys: staticKeys ?? (await nodeSuite.generateKeys()),
    ephemeralKeys: await nodeSuite.generateKeys(),
  })

// The vectors are of another implementation, noiseprotocol 0.3.1 of PyPI.
describe.each(vectors)('$name', (vector) => {
  const side = (role: NoiseRole): XxHandshake =>
    new XxHandshake(nodeSuite, {
      role,
      prologue: fromHex(vector.prologue),
      staticKeys: keysOf(role === 'initiator' ? vector.init_static : vector.resp_static),
      ephemeralKeys: keysOf(role === 'initiator' ? vector.init_ephemeral : vector.resp_ephemeral),
    })

  it('has the messages, hash and keys of another implementation', async () => {
    const sides = [side('initiator'), side('responder')] as const
    for (const [index, { payload, ciphertext }] of vector.messages.slice(0, 3).entries()) {
      const [writer, reader] = index % 2 === 0 ? sides : [sides[1], sides[0]]
      expect(toHex(await writer.write(fromHex(payload)))).toBe(ciphertext)
      expect(toHex(await reader.read(fromHex(ciphertext)))).toBe(payload)
    }
    const [initiator, responder] = sides
    expect(toHex(initiator.hash)).toBe(vector.handshake_hash)
    expect(toHex(responder.hash)).toBe(vector.handshake_hash)
    expect(toHex(initiator.remoteStatic)).toBe(toHex(keysOf(vector.resp_static).publicKey))
    expect(toHex(responder.remoteStatic)).toBe(toHex(keysOf(vector.init_static).publicKey))
    const [ours, theirs] = [initiator.split(), responder.split()]
    expect([toHex(ours.send), toHex(ours.receive)]).toEqual([toHex(theirs.receive), toHex(theirs.send)])
    const nonces = [new Nonce(), new Nonce()]
    for (const [index, { payload, ciphertext }] of vector.messages.slice(3).entries()) {
      // The fourth message of all is the responder's.
      const key = index % 2 === 0 ? theirs.send : ours.send
      const sealed = await nodeSuite.seal(key, nonces[index % 2]!.next(), NOTHING, fromHex(payload))
      expect(toHex(sealed)).toBe(ciphertext)
    }
  })
})

const greet = async (initiator: XxHandshake, responder: XxHandshake): Promise<void> => {
  await responder.read(await initiator.write(NOTHING))
  await initiator.read(await responder.write(NOTHING))
  await responder.read(await initiator.write(NOTHING))
}

it('fails where the two mean another conversation', async () => {
  const one = await fresh('initiator', fromHex('01'))
  const other = await fresh('responder', fromHex('02'))
  await expect(greet(one, other)).rejects.toMatchObject({ code: 'PEER_NOISE' })
})

it('fails at whichever octet of its messages was changed', async () => {
  for (let message = 0; message < 3; message++) {
    for (const at of [0, 31, 32, 47, 48, 63, 64, 79, 80, 95]) {
      const sides = [await fresh('initiator'), await fresh('responder')] as const
      const run = async (): Promise<void> => {
        for (let step = 0; step < 3; step++) {
          const [writer, reader] = step % 2 === 0 ? sides : [sides[1], sides[0]]
          const bytes = Buffer.from(await writer.write(Buffer.from('hello')))
          if (step === message) bytes[at % bytes.length]! ^= 1
          await reader.read(bytes)
        }
      }
      // The first message is open: its change is noticed with the second.
      await expect(run(), `${message} ${at}`).rejects.toMatchObject({ code: 'PEER_NOISE' })
    }
  }
})

it('fails at messages that are cut', async () => {
  const [initiator, responder] = [await fresh('initiator'), await fresh('responder')]
  await responder.read(await initiator.write(NOTHING))
  const whole = await responder.write(NOTHING)
  for (const size of [0, 31, 32, 79, 80, whole.length - 1]) {
    const again = await fresh('initiator')
    await again.write(NOTHING)
    await expect(again.read(whole.subarray(0, size))).rejects.toMatchObject({ code: 'PEER_NOISE' })
  }
})

it.each([
  ['0', '00'.repeat(32)],
  ['1', `01${'00'.repeat(31)}`],
  ['of order 8', 'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800'],
])('takes no key of small order: %s', async (_name, hex) => {
  const responder = await fresh('responder')
  await responder.read(fromHex(hex))
  await expect(responder.write(NOTHING)).rejects.toMatchObject({ code: 'PEER_NOISE' })
})

it('takes no secret of zeros from a platform that gives it', async () => {
  const weak: NoiseKeys = { publicKey: new Uint8Array(32).fill(9), dh: () => new Uint8Array(32) }
  const responder = new XxHandshake(nodeSuite, {
    role: 'responder',
    prologue: NOTHING,
    staticKeys: weak,
    ephemeralKeys: weak,
  })
  await responder.read(fromHex('09'.repeat(32)))
  await expect(responder.write(NOTHING)).rejects.toMatchObject({ code: 'PEER_NOISE' })
})

it('is not asked out of turn, or before its end', async () => {
  const [initiator, responder] = [await fresh('initiator'), await fresh('responder')]
  await expect(initiator.read(NOTHING)).rejects.toThrow('out of turn')
  await expect(responder.write(NOTHING)).rejects.toThrow('out of turn')
  expect(() => initiator.split()).toThrow('not over')
  expect(() => initiator.remoteStatic).toThrow('not said')
  await greet(initiator, responder)
  await expect(initiator.write(NOTHING)).rejects.toThrow('out of turn')
})
