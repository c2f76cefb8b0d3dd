import { AUTH_TAG } from './decode-frame.ts'
import { encodeText, FieldWriter } from './fields.ts'
import { FRAME, type RelayFrame } from './frame.ts'
import { RELAY_STATUS } from './status.ts'

/** What `relayFrameDecoder` reads. Lengths and ranges are the caller's to keep. */
export const encodeRelayFrame = (frame: RelayFrame): Uint8Array => {
  const write = new FieldWriter()
  const { type, status } = put(write, frame)
  if (type === undefined) return write.done()
  return new FieldWriter()
    .u8(type)
    .u8(status ?? 0)
    .u16(write.size)
    .bytes(write.done())
    .done()
}

/** The common header of what was written; no type where it has a layout of its own. */
interface Head {
  readonly type?: number
  readonly status?: number
}

const put = (to: FieldWriter, frame: RelayFrame): Head => {
  switch (frame.type) {
    case 'reserve':
      to.u8(FRAME.RESERVE)
        .u8(frame.ttl >> 16)
        .u16(frame.ttl & 0xffff)
      return {}
    case 'reserveResponse':
      to.u8(FRAME.RESERVE_RESPONSE).u8(frame.status).u16(frame.addresses.length)
      for (const address of frame.addresses) to.text16(address)
      return {}
    case 'connect':
      to.u8(FRAME.CONNECT).u8(32).bytes(frame.destination)
      return {}
    case 'hello':
      to.u8(frame.minVersion).u8(frame.maxVersion).u16(frame.capabilities)
      to.bytes(frame.publicKey).bytes(frame.nonce)
      return { type: FRAME.HELLO }
    case 'challenge':
      to.u8(frame.version).u8(0).u16(frame.capabilities)
      to.bytes(frame.publicKey).bytes(frame.nonce).bytes(frame.signature)
      return { type: FRAME.CHALLENGE }
    case 'auth':
      to.bytes(frame.signature)
      if (frame.token !== undefined) to.u8(AUTH_TAG.TOKEN).u16(frame.token.length).bytes(frame.token)
      return { type: FRAME.AUTH }
    case 'welcome':
      to.bytes(frame.sessionId).u16(frame.pingInterval).u16(frame.idleTimeout)
      to.u32(frame.duration).u64(frame.data).u32(frame.rate).u16(frame.circuits).text16(frame.observed)
      return { type: FRAME.WELCOME }
    case 'unwelcome':
      to.bytes(encodeText(frame.reason))
      return { type: FRAME.WELCOME, status: frame.status }
    case 'reservation':
      to.u64(frame.expire).u32(frame.ttl).u16(frame.slots)
      to.u32(frame.duration).u64(frame.data).u32(frame.rate).u16(frame.voucher.length).bytes(frame.voucher)
      return { type: FRAME.RESERVATION }
    default:
      return putMore(to, frame)
  }
}

type More = Exclude<
  RelayFrame,
  {
    type:
      | 'reserve'
      | 'reserveResponse'
      | 'connect'
      | 'hello'
      | 'challenge'
      | 'auth'
      | 'welcome'
      | 'unwelcome'
      | 'reservation'
  }
>

const putMore = (to: FieldWriter, frame: More): Head => {
  switch (frame.type) {
    case 'release':
      return { type: FRAME.RELEASE }
    case 'ping':
    case 'pong':
      to.bytes(frame.opaque)
      return { type: frame.type === 'ping' ? FRAME.PING : FRAME.PONG }
    case 'notice':
      to.bytes(encodeText(frame.text))
      return { type: FRAME.NOTICE, status: frame.status }
    case 'goaway':
      to.u32(frame.reconnectAfterMs).u32(frame.tryForMs)
      if (frame.address !== '') to.text16(frame.address)
      return { type: FRAME.GOAWAY, status: frame.status }
    case 'connected':
      to.bytes(frame.circuitId).bytes(frame.peer).bytes(frame.peerKey)
      to.u32(frame.duration).u64(frame.data).u32(frame.rate)
      return { type: FRAME.CONNECT_RESPONSE, status: RELAY_STATUS.OK }
    case 'connectRefused':
      to.u16(frame.retryAfter).text16(frame.reason)
      if (frame.address !== '') to.text16(frame.address)
      return { type: FRAME.CONNECT_RESPONSE, status: frame.status }
    case 'incoming':
      to.bytes(frame.circuitId).bytes(frame.source).bytes(frame.sourceKey).bytes(frame.token)
      to.u16(frame.acceptWithin).u32(frame.duration).u64(frame.data)
      return { type: FRAME.INCOMING }
    case 'accept':
      to.bytes(frame.circuitId).bytes(frame.token)
      return { type: FRAME.ACCEPT }
    case 'reject':
      to.bytes(frame.circuitId).bytes(encodeText(frame.reason))
      return { type: FRAME.REJECT, status: frame.status }
    case 'circuitClosed':
      to.bytes(frame.circuitId).u64(frame.up).u64(frame.down).u32(frame.ms)
      return { type: FRAME.CIRCUIT_CLOSED, status: frame.status }
  }
}
