import { generateKeyPairSync, hash, X509Certificate } from 'node:crypto'
import { identityCertificate } from '@sluice/net'
import type { Decode } from '@sluice/wire'
import type { RelayClient } from './circuit.ts'
import { Line } from './line.ts'

/** Of syncthing's relay protocol, version 1: a head of three words, then XDR (RFC 4506). */
const MAGIC = 0x9e79bc40
const HEAD_BYTES = 12
const MAX_BODY = 1024
const TYPE = {
  PING: 0,
  PONG: 1,
  JOIN: 2,
  SESSION: 3,
  RESPONSE: 4,
  CONNECT: 5,
  INVITATION: 6,
  FULL: 7,
} as const

interface Message {
  readonly type: number
  readonly body: Buffer
}

const decode: Decode<Message> = (bytes) => {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  if (head.length < HEAD_BYTES) return undefined
  const size = HEAD_BYTES + head.readUInt32BE(8)
  if (head.readUInt32BE(0) !== MAGIC || size > HEAD_BYTES + MAX_BODY) throw new Error('no message of a relay')
  if (head.length < size) return undefined
  return { value: { type: head.readInt32BE(4), body: Buffer.from(head.subarray(HEAD_BYTES, size)) }, size }
}

function encode(type: number, body: Uint8Array = new Uint8Array()): Buffer {
  const head = Buffer.alloc(HEAD_BYTES)
  head.writeUInt32BE(MAGIC)
  head.writeInt32BE(type, 4)
  head.writeUInt32BE(body.length, 8)
  return Buffer.concat([head, body])
}

/** Opaque data of 32 octets. */
const opaque = (bytes: Uint8Array): Buffer => Buffer.concat([Buffer.of(0, 0, 0, bytes.length), bytes])

/** The key: the second field of an invitation. */
function keyOf({ body }: Message): Buffer {
  const from = 4 + body.readUInt32BE(0)
  const length = body.readUInt32BE(from)
  return body.subarray(from + 4, from + 4 + length)
}

/** The next message of this type; pings are answered. */
async function expect(line: Line, type: number): Promise<Message> {
  for (;;) {
    const message = await line.read(decode)
    if (message.type === type) return message
    if (message.type !== TYPE.PING)
      throw new Error(`a message of type ${message.type} in the place of ${type}`)
    line.write(encode(TYPE.PONG))
  }
}

async function expectSuccess(line: Line): Promise<void> {
  const { body } = await expect(line, TYPE.RESPONSE)
  if (body.readInt32BE(0) !== 0) throw new Error(`the relay refused: ${body.subarray(8).toString()}`)
}

interface Identity {
  readonly cert: string
  readonly key: string
}

const newIdentity = (): Identity => identityCertificate(generateKeyPairSync('ed25519').privateKey)

const control = (port: number, identity: Identity): Promise<Line> =>
  Line.dialTls(port, { ALPNProtocols: ['bep-relay'], ...identity })

/** A new plain connection that shows the key of its invitation. */
async function session(port: number, invitation: Message): Promise<Line> {
  const line = await Line.dial(port)
  line.write(encode(TYPE.SESSION, opaque(keyOf(invitation))))
  await expectSuccess(line)
  return line
}

/** Sessions through strelaysrv. Peers prove themselves by the certificates of their control connections. */
export async function strelayClient(port: number): Promise<RelayClient> {
  const [from, to] = [newIdentity(), newIdentity()]
  const joined = await control(port, to)
  joined.write(encode(TYPE.JOIN))
  await expectSuccess(joined)
  const id = hash('sha256', new X509Certificate(to.cert).raw, 'buffer')
  return {
    prepare: async () => {
      const asking = await control(port, from)
      return async () => {
        asking.write(encode(TYPE.CONNECT, opaque(id)))
        const invited = await Promise.all([expect(asking, TYPE.INVITATION), expect(joined, TYPE.INVITATION)])
        const [source, destination] = await Promise.all(invited.map((each) => session(port, each)))
        return { source: source!, destination: destination! }
      }
    },
  }
}
