import { randomBytes } from 'node:crypto'
import {
  CAPABILITY,
  type Challenge,
  clientProof,
  type Hello,
  NO_BINDING,
  type RelayFrame,
  relayProof,
  type Welcome,
} from '@sluice/wire/relay'
import { testIdentity } from './test-identity.ts'
import { nodeVerify } from '../client/node-verify.ts'
import type { FramePort } from '../peer/frame-port.ts'
import type { PeerIdentity } from '../peer/identity.ts'

export const WELCOME: Welcome = {
  type: 'welcome',
  sessionId: new Uint8Array(16).fill(1),
  pingInterval: 0,
  idleTimeout: 60,
  duration: 0,
  data: 0,
  rate: 0,
  circuits: 0,
  observed: '192.0.2.1:1',
}

/** The relay's side of a login, as the protocol's document has it. */
export class FakeRelay {
  readonly identity: PeerIdentity = testIdentity()
  capabilities: number = CAPABILITY.TTL_REQUEST | CAPABILITY.CHANNEL_BINDING
  welcome: RelayFrame = WELCOME
  /** Changes a CHALLENGE after it was signed. */
  tamper: (challenge: Challenge) => Challenge = (challenge) => challenge

  /** @returns who logged in, with which token */
  async login(port: FramePort): Promise<{ hello: Hello; token: Uint8Array | undefined }> {
    const hello = await port.read()
    if (hello.type !== 'hello') throw new Error(`no HELLO but ${hello.type}`)
    const capabilities = this.capabilities & (port.binding === undefined ? ~CAPABILITY.CHANNEL_BINDING : ~0)
    const both = capabilities & hello.capabilities
    const binding = (both & CAPABILITY.CHANNEL_BINDING) === 0 ? NO_BINDING : port.binding!
    const bare: Challenge = {
      type: 'challenge',
      version: hello.maxVersion,
      capabilities,
      publicKey: this.identity.publicKey,
      nonce: randomBytes(32),
      signature: new Uint8Array(64),
    }
    const signature = await this.identity.sign(relayProof(hello, bare, binding))
    const challenge = this.tamper({ ...bare, signature })
    port.send(challenge)
    const auth = await port.read()
    if (auth.type !== 'auth') throw new Error(`no AUTH but ${auth.type}`)
    if (!(await nodeVerify(hello.publicKey, clientProof(hello, challenge, binding), auth.signature))) {
      throw new Error('a proof that proves nothing')
    }
    port.send(this.welcome)
    return { hello, token: auth.token }
  }
}
