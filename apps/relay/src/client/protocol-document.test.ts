import { createPrivateKey, createPublicKey, sign } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { nodeIdOf } from '@sluice/wire/relay'
import { expect, it } from 'vitest'
import { encodeNoiseMessage } from '../noise/noise-message.ts'
import type { NoiseKeys, NoiseSuite } from '../noise/noise-suite.ts'
import { type MessagePort, type Secured, securePeers } from '../noise/peer-handshake.ts'
import type { NoiseRole } from '../noise/xx-handshake.ts'
import type { PeerIdentity } from '../peer/identity.ts'
import { nodeVerify } from './node-verify.ts'
import { nodeKeys, nodeSuite } from './node-suite.ts'
import { RecordSealer } from './record-sealer.ts'

// The example of docs/protocols/relay.md, end to end: from fixed keys to the octets of the circuit.

const page = readFileSync(new URL('../../../../docs/protocols/relay.md', import.meta.url), 'utf8')
const shown = [...page.matchAll(/^```hex (noise-\S+)\n(.*?)\n```$/gms)].map(([, name, body]) => [
  name!,
  body!.replaceAll(/\s+/g, ''),
])

const ED25519 = '302e020100300506032b657004220420'
const X25519 = '302e020100300506032b656e04220420'

/** A private key whose 32 octets count up. */
const keyOf = (kind: string, first: number): ReturnType<typeof createPrivateKey> => {
  const octets = Uint8Array.from({ length: 32 }, (_, index) => first + index)
  const key = Buffer.concat([Buffer.from(kind, 'hex'), octets])
  return createPrivateKey({ key, format: 'der', type: 'pkcs8' })
}

const rawPublicKey = (key: ReturnType<typeof createPrivateKey>): Uint8Array =>
  new Uint8Array(createPublicKey(key).export({ type: 'spki', format: 'der' }).subarray(-32))

const identityOf = (first: number): PeerIdentity => {
  const key = keyOf(ED25519, first)
  return { publicKey: rawPublicKey(key), sign: (bytes) => sign(null, bytes, key) }
}

/** With these keys, the static one first. */
const suiteOf = (...firsts: number[]): NoiseSuite => {
  const keys = firsts.map((first) => {
    const key = keyOf(X25519, first)
    return nodeKeys(key, rawPublicKey(key))
  })
  return { ...nodeSuite, generateKeys: () => keys.shift() as NoiseKeys }
}

class Line {
  readonly said: Uint8Array[] = []
  #waiting: ((message: Uint8Array) => void)[] = []
  #read = 0

  say(message: Uint8Array): void {
    this.said.push(message)
    this.#waiting.shift()?.(this.said[this.#read++]!)
  }

  hear(): Promise<Uint8Array> {
    if (this.#read < this.said.length) return Promise.resolve(this.said[this.#read++]!)
    return new Promise((resolve) => this.#waiting.push(resolve))
  }
}

it('is what two peers with these keys say', async () => {
  const [source, destination] = [identityOf(0x20), identityOf(0x40)]
  const [up, down] = [new Line(), new Line()]
  const end = (role: NoiseRole, port: MessagePort, suite: NoiseSuite): Promise<Secured> =>
    securePeers(port, {
      suite,
      role,
      identity: role === 'initiator' ? source : destination,
      verify: nodeVerify,
      expected: nodeIdOf((role === 'initiator' ? destination : source).publicKey),
    })
  const [initiator, responder] = await Promise.all([
    end('initiator', { send: (each) => up.say(each), receive: () => down.hear() }, suiteOf(0x80, 0x60)),
    end('responder', { send: (each) => down.say(each), receive: () => up.hear() }, suiteOf(0xc0, 0xa0)),
  ])
  const [first, third] = up.said
  const [second] = down.said
  const hello = Buffer.from('hello')
  const sealer = new RecordSealer(initiator.keys.send)
  const record = new Uint8Array(sealer.room(hello.length))
  sealer.seal(hello, record)
  const answer = new RecordSealer(responder.keys.send)
  const all = { 'noise-1': first!, 'noise-2': second!, 'noise-3': third! }
  expect(Object.fromEntries(shown)).toEqual(
    Object.fromEntries(
      [
        ...Object.entries(all).map(([name, message]) => [name, encodeNoiseMessage(message)] as const),
        ['noise-record', record] as const,
        ['noise-end', sealer.end()] as const,
        ['noise-end-down', answer.end()] as const,
        ['noise-hash', initiator.hash] as const,
      ].map(([name, bytes]) => [name, Buffer.from(bytes).toString('hex')]),
    ),
  )
  expect(responder.hash).toEqual(initiator.hash)
})
