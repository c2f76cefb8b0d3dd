import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Address } from '../address.ts'
import { encodeSocksAddress } from '../socks-address.ts'
import { codeOf } from '../testing/code-of.ts'
import type { SsBody } from './datagram-body.ts'
import { sealBehind, xchachaSealKey } from './datagram-seal.ts'
import type { SsKey } from './key.ts'
import { PacketReader } from './packet.ts'
import { SsPacketClient } from './packet-client.ts'
import { SsPacketSession } from './packet-session.ts'
import { keyHash } from './session-key.ts'
import { countUp, keyOf, methodsOf } from '../testing/ss-codecs.ts'

const NOW = 1_700_000_000
const CLIENT = 0x0102030405060708n
const SERVER = 0xffee_0000_0000_0001n
const target: Address = { host: '127.0.0.1', port: 53 }
const head = encodeSocksAddress(target)
const ping = Buffer.from('ping')
let nonces = 0
const random = (size: number): Uint8Array => countUp(size, nonces++)

const clientOf = (key: SsKey, serverKeys: readonly SsKey[] = []): SsPacketClient =>
  new SsPacketClient({ key, serverKeys }, CLIENT, random)

/** What a server with one key, or with an identity header, reads. */
function open(key: SsKey, bytes: Uint8Array, { serverKey = key, seconds = NOW } = {}): SsBody | undefined {
  const packet = new PacketReader(serverKey).read(bytes)
  if (packet === undefined) return undefined
  return sessionOf(key, serverKey !== key, packet.sessionId).open(packet, seconds)
}
const sessionOf = (key: SsKey, identity = false, clientId = CLIENT): SsPacketSession =>
  new SsPacketSession({ key, identity, clientId, ownId: SERVER, random })

it.each([
  [
    '2022-blake3-aes-128-gcm',
    '18ba69bb4661fee5a7cc9ec1a731e2780f887748f59fbaddc74035aa8ff8904119108b76e4785f4ffb3b45ee9add48cabab511f2a605',
  ],
  [
    '2022-blake3-aes-256-gcm',
    '65627bd127f455618ff9d0f081df2db47e41c363d48a26c057fcafd69f51f5b00a8a63c775c411fe1454445792a19206f68e8014f0b6',
  ],
])('a known packet of %s', (name, known) => {
  const key = keyOf(name)
  const bytes = Buffer.from(known, 'hex')
  expect(new PacketReader(key).read(bytes)).toMatchObject({ sessionId: CLIENT, packetId: 0 })
  expect(open(key, bytes)).toEqual({ address: target, payload: ping })
  expect(Buffer.from(clientOf(key).seal(head, ping, NOW)).toString('hex')).toBe(known)
})

describe.each(methodsOf('2022'))('packets of %s', (name) => {
  const key = keyOf(name)

  it('count up from 0, with the ID of their session', () => {
    const client = clientOf(key)
    const reader = new PacketReader(key)
    const ids = [0, 1, 2].map(() => reader.read(client.seal(head, ping, NOW)))
    expect(ids.map((packet) => packet?.packetId)).toEqual([0, 1, 2])
    expect(new Set(ids.map((packet) => packet?.sessionId))).toEqual(new Set([CLIENT]))
  })

  it('are read as they were written, both ways', () => {
    const client = clientOf(key)
    const session = sessionOf(key)
    const reader = new PacketReader(key)
    const payloads = fc.uint8Array({ maxLength: 1500 })
    fc.assert(
      fc.property(payloads, fc.nat(900), (payload, padding) => {
        const up = session.open(reader.read(client.seal(head, payload, NOW, padding))!, NOW)
        expect(up).toEqual({ address: target, payload: Buffer.from(payload) })
        const down = client.open(session.seal(head, payload, NOW, padding), NOW)
        expect(down).toMatchObject({ ...up, sessionId: SERVER })
      }),
      { numRuns: 30 },
    )
  })

  it('from a name and from IPv6', () => {
    const session = sessionOf(key)
    for (const address of [
      { host: 'example.com', port: 0 },
      { host: '2001:db8::1', port: 65_535 },
    ]) {
      const bytes = session.seal(encodeSocksAddress(address), ping, NOW)
      expect(clientOf(key).open(bytes, NOW)?.address).toEqual(address)
    }
  })

  it('answer no other session', () => {
    const answer = sessionOf(key, false, CLIENT + 1n).seal(head, ping, NOW)
    expect(codeOf(() => clientOf(key).open(answer, NOW))).toBe('WIRE_VALUE')
  })

  it('come from a new session of the server, too', () => {
    const client = clientOf(key)
    const ids = [1n, 2n].map((ownId) => {
      const session = new SsPacketSession({ key, clientId: CLIENT, ownId, random })
      return client.open(session.seal(head, ping, NOW), NOW)?.sessionId
    })
    expect(ids).toEqual([1n, 2n])
  })

  it('sent back to where they came from are none', () => {
    const up = clientOf(key).seal(head, ping, NOW)
    expect(codeOf(() => clientOf(key).open(up, NOW))).toBe('WIRE_VALUE')
    const down = sessionOf(key).seal(head, ping, NOW)
    expect(codeOf(() => open(key, down))).toBe('WIRE_VALUE')
  })

  it.each([
    [30, undefined],
    [-30, undefined],
    [31, 'WIRE_CLOCK'],
    [-31, 'WIRE_CLOCK'],
    [2 ** 40, 'WIRE_CLOCK'],
  ])('%i s off', (off, code) => {
    expect(codeOf(() => open(key, clientOf(key).seal(head, ping, NOW + off)))).toBe(code)
    const answer = sessionOf(key).seal(head, ping, NOW + off)
    expect(codeOf(() => clientOf(key).open(answer, NOW))).toBe(code)
  })

  it('open no more with any byte changed', () => {
    const bytes = clientOf(key).seal(head, ping, NOW)
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes)
      changed[at]! ^= 1 << (at % 8)
      expect(open(key, changed)).toBeUndefined()
    }
  })

  it('open no more at any other length', () => {
    const bytes = clientOf(key).seal(head, ping, NOW)
    for (let end = 0; end < bytes.length; end++) expect(open(key, bytes.subarray(0, end))).toBeUndefined()
    expect(open(key, Buffer.concat([bytes, Buffer.of(0)]))).toBeUndefined()
  })

  it('open with no other key', () => {
    expect(open(keyOf(name, 1), clientOf(key).seal(head, ping, NOW))).toBeUndefined()
  })

  it('hold what makes a body, or are wrong', () => {
    const short = clientOf(key).seal(new Uint8Array(0), new Uint8Array(0), NOW)
    expect(codeOf(() => open(key, short))).toBe('WIRE_LENGTH')
    const half = clientOf(key).seal(head.subarray(0, 3), new Uint8Array(0), NOW)
    expect(codeOf(() => open(key, half))).toBe('WIRE_LENGTH')
    const other = clientOf(key).seal(Buffer.of(9), ping, NOW)
    expect(codeOf(() => open(key, other))).toBe('WIRE_ADDRESS_TYPE')
  })

  it('too long for UDP are not made', () => {
    expect(codeOf(() => clientOf(key).seal(head, Buffer.alloc(65_530), NOW))).toBe('WIRE_TOO_LONG')
  })

  it('are a body, nothing or a WireError, whatever they are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        codeOf(() => open(key, bytes))
      }),
    )
  })
})

describe.each(['2022-blake3-aes-128-gcm', '2022-blake3-aes-256-gcm'])('identity headers of %s', (name) => {
  const [serverKey, key] = [keyOf(name), keyOf(name, 64)]
  const bytes = clientOf(key, [serverKey]).seal(head, ping, NOW)

  it('say whose key stands over the body', () => {
    const reader = new PacketReader(serverKey)
    const client = clientOf(key, [serverKey])
    for (let turn = 0; turn < 3; turn++) {
      const packet = reader.read(client.seal(head, ping, NOW))!
      expect(packet).toMatchObject({ sessionId: CLIENT, packetId: turn })
      expect(Buffer.from(keyHash(key)).equals(reader.identity(packet)!)).toBe(true)
      expect(sessionOf(key, true).open(packet, NOW)).toEqual({ address: target, payload: ping })
    }
  })

  it('are opened with the key of one server after another', () => {
    const next = keyOf(name, 99)
    const reader = new PacketReader(serverKey)
    const packet = reader.read(clientOf(key, [serverKey, next]).seal(head, ping, NOW))!
    expect(Buffer.from(keyHash(next)).equals(reader.identity(packet)!)).toBe(true)
  })

  it('stand in no answer, whose head is under the user’s key', () => {
    const session = sessionOf(key, true)
    expect(clientOf(key, [serverKey]).open(session.seal(head, ping, NOW), NOW)?.payload).toEqual(ping)
    expect(new PacketReader(key).read(session.seal(head, ping, NOW))?.sessionId).toBe(SERVER)
  })

  it('cannot be cut or changed', () => {
    const reader = new PacketReader(serverKey)
    for (let end = 0; end < bytes.length; end++) {
      expect(open(key, bytes.subarray(0, end), { serverKey })).toBeUndefined()
    }
    for (let at = 16; at < 32; at++) {
      const changed = Buffer.from(bytes)
      changed[at]! ^= 1
      expect(Buffer.from(keyHash(key)).equals(reader.identity(reader.read(changed)!)!)).toBe(false)
    }
    expect(reader.identity(reader.read(bytes.subarray(0, 31))!)).toBeUndefined()
  })
})

describe('authentic bytes', () => {
  const key = keyOf('2022-blake3-chacha20-poly1305')
  const sealedWhole = (plain: Uint8Array): Uint8Array => {
    const nonce = countUp(24)
    const { under, nonce: short } = xchachaSealKey(key.bytes, nonce)
    const bytes = sealBehind(nonce.length, under, short, plain)
    bytes.set(nonce)
    return bytes
  }

  it.each([
    [0x1f_ffff, true],
    [0x20_0000, false],
  ])('with a packet ID of 2^32 times %i are a packet: %s', (high, isPacket) => {
    const plain = Buffer.alloc(40)
    plain.writeUInt32BE(high, 8)
    expect(new PacketReader(key).read(sealedWhole(plain)) !== undefined).toBe(isPacket)
  })

  it('that end too early are a packet from its head on, and no body', () => {
    const body = Buffer.alloc(11)
    body.writeBigUInt64BE(BigInt(NOW), 1)
    const bytes = Buffer.concat([Buffer.alloc(16), body])
    for (let end = 0; end < 16; end++) expect(open(key, sealedWhole(bytes.subarray(0, end)))).toBeUndefined()
    for (let end = 16; end <= bytes.length; end++) {
      expect(codeOf(() => open(key, sealedWhole(bytes.subarray(0, end))))).toBe('WIRE_LENGTH')
    }
  })
})
