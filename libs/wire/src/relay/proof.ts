import { sha256 } from '@noble/hashes/sha2.js'
import { WireError } from '../wire-error.ts'
import { encodeRelayFrame } from './encode-frame.ts'
import { encodeText, FieldReader, FieldWriter } from '../fields.ts'
import type { Challenge, Hello } from './frame.ts'

/** RFC 5705 label of the keying material to which proofs are bound over TLS; no context, 32 octets. */
export const EXPORTER_LABEL = 'EXPORTER-sluice-relay-v1'
/** In the place of keying material where there is none. */
export const NO_BINDING: Uint8Array = new Uint8Array(32)

const SIGNATURE_BYTES = 64

/** What the relay signs in CHALLENGE; its own signature is left out. `binding`: 32 octets. */
export const relayProof = (hello: Hello, challenge: Challenge, binding: Uint8Array): Uint8Array => {
  const whole = encodeRelayFrame(challenge)
  return proof('relay', hello, whole.subarray(0, whole.length - SIGNATURE_BYTES), binding)
}

/** What the client signs in AUTH. */
export const clientProof = (hello: Hello, challenge: Challenge, binding: Uint8Array): Uint8Array =>
  proof('client', hello, encodeRelayFrame(challenge), binding)

const proof = (role: string, hello: Hello, challenge: Uint8Array, binding: Uint8Array): Uint8Array => {
  const transcript = new FieldWriter().bytes(encodeRelayFrame(hello)).bytes(challenge).done()
  return new FieldWriter().bytes(domain(role)).bytes(sha256(transcript)).bytes(binding).done()
}

const domain = (role: string): Uint8Array => encodeText(`sluice-relay/1 ${role}\0`)

/** A relay's word that a peer holds a reservation: 136 octets. */
export interface Voucher {
  /** NodeIDs. */
  readonly relay: Uint8Array
  readonly peer: Uint8Array
  /** Seconds since 1970. */
  readonly expire: number
  /** 64 octets over `voucherProof`. */
  readonly signature: Uint8Array
}

/** What the relay signs. */
export const voucherProof = (voucher: Omit<Voucher, 'signature'>): Uint8Array =>
  new FieldWriter().bytes(domain('voucher')).bytes(voucherBody(voucher)).done()

export const encodeVoucher = (voucher: Voucher): Uint8Array =>
  new FieldWriter().bytes(voucherBody(voucher)).bytes(voucher.signature).done()

/** @throws WireError WIRE_LENGTH where `bytes` are not 136 */
export const decodeVoucher = (bytes: Uint8Array): Voucher => {
  if (bytes.length !== 136) throw new WireError('WIRE_LENGTH', 'a voucher has 136 octets')
  const fields = new FieldReader(bytes)
  const [relay, peer, expire] = [fields.bytes(32), fields.bytes(32), fields.u64()]
  return { relay, peer, expire, signature: fields.bytes(SIGNATURE_BYTES) }
}

const voucherBody = ({ relay, peer, expire }: Omit<Voucher, 'signature'>): Uint8Array =>
  new FieldWriter().bytes(relay).bytes(peer).u64(expire).done()
