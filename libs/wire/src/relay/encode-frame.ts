import { AUTH_TAG } from './decode-frame.ts'
import { encodeText, FieldWriter } from '../fields.ts'
import { FRAME, type RelayFrame, type RelayFrameOf } from './frame.ts'
import { RELAY_STATUS, type RelayStatus } from './status.ts'

/** What `relayFrameDecoder` reads. Lengths and ranges are the caller's to keep; see `relayReason` for texts. */
export const encodeRelayFrame = (frame: RelayFrame): Uint8Array =>
  (ENCODERS[frame.type] as (frame: RelayFrame) => Uint8Array)(frame)

const { OK } = RELAY_STATUS

const fields = (): FieldWriter => new FieldWriter()

const framed = (type: number, status: RelayStatus, body: FieldWriter): Uint8Array =>
  fields().u8(type).u8(status).u16(body.size).append(body).done()

const addressIn = (body: FieldWriter, address: string): FieldWriter =>
  address === '' ? body : body.text16(address)

const ENCODERS: { readonly [K in RelayFrame['type']]: (frame: RelayFrameOf<K>) => Uint8Array } = {
  reserve: ({ ttl }) =>
    fields()
      .u8(FRAME.RESERVE)
      .u8(ttl >> 16)
      .u16(ttl & 0xffff)
      .done(),

  reserveResponse: ({ status, addresses }) => {
    const to = fields().u8(FRAME.RESERVE_RESPONSE).u8(status).u16(addresses.length)
    for (const address of addresses) to.text16(address)
    return to.done()
  },

  connect: ({ destination }) => fields().u8(FRAME.CONNECT).u8(32).bytes(destination).done(),

  hello: (frame) => {
    const body = fields().u8(frame.minVersion).u8(frame.maxVersion).u16(frame.capabilities)
    return framed(FRAME.HELLO, OK, body.bytes(frame.publicKey).bytes(frame.nonce))
  },

  challenge: (frame) => {
    const body = fields().u8(frame.version).u8(0).u16(frame.capabilities)
    body.bytes(frame.publicKey).bytes(frame.nonce).bytes(frame.signature)
    return framed(FRAME.CHALLENGE, OK, body)
  },

  auth: ({ signature, token }) => {
    const body = fields().bytes(signature)
    if (token !== undefined) body.u8(AUTH_TAG.TOKEN).u16(token.length).bytes(token)
    return framed(FRAME.AUTH, OK, body)
  },

  welcome: (frame) => {
    const body = fields().bytes(frame.sessionId).u16(frame.pingInterval).u16(frame.idleTimeout)
    body.u32(frame.duration).u64(frame.data).u32(frame.rate).u16(frame.circuits).text16(frame.observed)
    return framed(FRAME.WELCOME, OK, body)
  },

  unwelcome: ({ status, reason }) => framed(FRAME.WELCOME, status, fields().bytes(encodeText(reason))),

  reservation: (frame) => {
    const body = fields().u64(frame.expire).u32(frame.ttl).u16(frame.slots)
    body.u32(frame.duration).u64(frame.data).u32(frame.rate)
    return framed(FRAME.RESERVATION, OK, body.u16(frame.voucher.length).bytes(frame.voucher))
  },

  release: () => framed(FRAME.RELEASE, OK, fields()),
  ping: ({ opaque }) => framed(FRAME.PING, OK, fields().bytes(opaque)),
  pong: ({ opaque }) => framed(FRAME.PONG, OK, fields().bytes(opaque)),
  notice: ({ status, text }) => framed(FRAME.NOTICE, status, fields().bytes(encodeText(text))),

  goaway: ({ status, reconnectAfterMs, tryForMs, address }) =>
    framed(FRAME.GOAWAY, status, addressIn(fields().u32(reconnectAfterMs).u32(tryForMs), address)),

  connected: (frame) => {
    const body = fields().bytes(frame.circuitId).bytes(frame.peer).bytes(frame.peerKey)
    return framed(FRAME.CONNECT_RESPONSE, OK, body.u32(frame.duration).u64(frame.data).u32(frame.rate))
  },

  connectRefused: ({ status, retryAfter, reason, address }) =>
    framed(FRAME.CONNECT_RESPONSE, status, addressIn(fields().u16(retryAfter).text16(reason), address)),

  incoming: (frame) => {
    const body = fields().bytes(frame.circuitId).bytes(frame.source).bytes(frame.sourceKey)
    body.bytes(frame.token).u16(frame.acceptWithin).u32(frame.duration).u64(frame.data)
    return framed(FRAME.INCOMING, OK, body)
  },

  accept: ({ circuitId, token }) => framed(FRAME.ACCEPT, OK, fields().bytes(circuitId).bytes(token)),

  reject: ({ status, circuitId, reason }) =>
    framed(FRAME.REJECT, status, fields().bytes(circuitId).bytes(encodeText(reason))),

  circuitClosed: ({ status, circuitId, up, down, ms }) =>
    framed(FRAME.CIRCUIT_CLOSED, status, fields().bytes(circuitId).u64(up).u64(down).u32(ms)),
}
