import { expect, it } from 'vitest'
import { testIdentity } from '../testing/test-identity.ts'
import { nodeVerify } from '../client/node-verify.ts'
import { nodeSuite } from '../client/node-suite.ts'
import { securePeers } from '../noise/peer-handshake.ts'
import { nodeIdOf } from '@sluice/wire/relay'
import { webSuite, webVerify } from './web-crypto.ts'
import { createIdentity, loadKeys } from './web-identity.ts'
import type { WebKeyPair } from './web-key.ts'

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text))

it('signs as Node does, and says no to what is no signature or key', async () => {
  const [web, node] = [await createIdentity(), testIdentity()]
  const signature = await web.sign(bytes('words'))
  expect(nodeVerify(web.publicKey, bytes('words'), signature)).toBe(true)
  expect(await webVerify(node.publicKey, bytes('words'), await node.sign(bytes('words')))).toBe(true)
  expect(await webVerify(web.publicKey, bytes('other'), signature)).toBe(false)
  expect(await webVerify(new Uint8Array(5), bytes('words'), signature)).toBe(false)
  expect(await webVerify(web.publicKey, bytes('words'), new Uint8Array(5))).toBe(false)
})

it.each([
  ['to Node', webSuite, nodeSuite],
  ['from Node', nodeSuite, webSuite],
])('shakes hands %s', async (_name, first, second) => {
  const [ours, theirs] = [await createIdentity(), testIdentity()]
  const [up, down] = [new TransformStream<Uint8Array>(), new TransformStream<Uint8Array>()]
  const port = (into: WritableStream<Uint8Array>, from: ReadableStream<Uint8Array>) => {
    const [writer, reader] = [into.getWriter(), from.getReader()]
    return {
      send: (message: Uint8Array): void => void writer.write(message),
      receive: async (): Promise<Uint8Array> => (await reader.read()).value!,
    }
  }
  const [source, destination] = await Promise.all([
    securePeers(port(up.writable, down.readable), {
      suite: first,
      verify: webVerify,
      role: 'initiator',
      identity: ours,
      expected: nodeIdOf(theirs.publicKey),
    }),
    securePeers(port(down.writable, up.readable), {
      suite: second,
      verify: nodeVerify,
      role: 'responder',
      identity: theirs,
      expected: nodeIdOf(ours.publicKey),
    }),
  ])
  expect(source.keys.send).toEqual(destination.keys.receive)
  expect(source.hash).toEqual(destination.hash)
})

it('keeps an identity under its name, and takes the one of who was quicker', async () => {
  const kept = new Map<string, WebKeyPair>()
  const store = {
    get: (name: string) => Promise.resolve(kept.get(name)),
    add: (name: string, keys: WebKeyPair) => Promise.resolve(kept.get(name) ?? (kept.set(name, keys), keys)),
    close: () => {},
  }
  const first = await loadKeys(store, 'one')
  expect(await loadKeys(store, 'one')).toBe(first)
  expect(await loadKeys(store, 'other')).not.toBe(first)
  expect(first.privateKey.extractable).toBe(false)
  const [slow, quick] = await Promise.all([loadKeys(store, 'new'), loadKeys(store, 'new')])
  expect(slow).toBe(quick)
})
