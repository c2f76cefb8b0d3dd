import { randomBytes, sign } from 'node:crypto'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls'
import {
  BRIDGE_ALPN,
  BRIDGE_EXPORTER_LABEL,
  BRIDGE_KEYING_BYTES,
  type BridgeChallenge,
  clientTranscript,
  decodeBridgeChallenge,
  encodeBridgeLogin,
} from '@sluice/wire/bridge'
import { clientKeys } from '../../../apps/nps-server/src/bridge/keys.ts'
import type { Dice } from './dice.ts'
import type { Layer } from './handshake-client.ts'
import { mutate } from './mutation.ts'

/** Real TLS, so that what is behind it is reached. */
export const tlsLayer =
  (options: ConnectionOptions): Layer =>
  async (socket) => {
    const stream = await secured(socket, options)
    return stream && { stream, said: new Uint8Array(0) }
  }

/** TLS, and a login at the bridge of a client with this secret, now and then a wrong or damaged one. */
export const bridgeLayer =
  (dice: Dice, secret: Uint8Array): Layer =>
  async (socket) => {
    const stream = await secured(socket, { ALPNProtocols: [BRIDGE_ALPN], minVersion: 'TLSv1.3' })
    const challenge = stream && (await challengeOf(stream))
    if (challenge === undefined) return undefined
    const said = makeLogin(dice, { challenge, secret, keying: keyingOf(stream!) })
    stream!.write(said)
    return { stream: stream!, said }
  }

const secured = async (socket: Socket, options: ConnectionOptions): Promise<TLSSocket | undefined> => {
  const stream = connectTls({ ...options, socket, rejectUnauthorized: false })
  stream.on('error', () => socket.destroy())
  // What it has ended is closed for good.
  stream.on('end', () => stream.end()).on('close', () => socket.destroy())
  await Promise.race([once(stream, 'secureConnect'), once(socket, 'close')]).catch(() => undefined)
  return socket.destroyed ? undefined : stream
}

const keyingOf = (stream: TLSSocket): Uint8Array =>
  stream.exportKeyingMaterial(BRIDGE_KEYING_BYTES, BRIDGE_EXPORTER_LABEL, undefined as unknown as Buffer)

const challengeOf = async (stream: TLSSocket): Promise<BridgeChallenge | undefined> => {
  const closed = once(stream, 'close').catch(() => undefined)
  const [bytes] = ((await Promise.race([once(stream, 'data'), closed])) ?? []) as [Buffer?]
  return bytes instanceof Buffer ? decodeBridgeChallenge(bytes)?.value : undefined
}

interface LoginParts {
  readonly challenge: BridgeChallenge
  readonly secret: Uint8Array
  readonly keying: Uint8Array
}

const ROLES = ['serve', 'serve', 'serve', 'visit', 'rule']

function makeLogin(dice: Dice, { challenge, secret, keying }: LoginParts): Uint8Array {
  const keys = clientKeys(dice.once(8) ? randomBytes(32) : secret)
  const unsigned = {
    publicKey: new Uint8Array(Buffer.from(keys.publicKey, 'base64url')),
    nonce: randomBytes(32),
    info: infoOf(dice),
  }
  const signed = clientTranscript(challenge, unsigned, keying)
  const login = encodeBridgeLogin({ ...unsigned, signature: sign(null, signed, keys.privateKey) })
  return dice.once(4) ? mutate(dice, login) : login
}

const infoOf = (dice: Dice): string => {
  const instance = dice.once(3) ? 'a'.repeat(32) : randomBytes(16).toString('hex')
  const info = JSON.stringify({ role: dice.pick(ROLES), version: '1', host: 'h', os: 'linux', instance })
  return dice.once(6)
    ? Buffer.from(mutate(dice, Buffer.from(info)))
        .toString()
        .slice(0, 1000)
    : info
}
