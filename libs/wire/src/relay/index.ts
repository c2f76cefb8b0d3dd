export { relayFrameDecoder } from './decode-frame.ts'
export { encodeRelayFrame } from './encode-frame.ts'
export * from './frame.ts'
export { formatNodeId, isZero, NODE_ID_BYTES, nodeIdOf, parseNodeId, PUBLIC_KEY_BYTES } from './node-id.ts'
export {
  clientProof,
  decodeVoucher,
  encodeVoucher,
  EXPORTER_LABEL,
  NO_BINDING,
  relayProof,
  type Voucher,
  voucherProof,
} from './proof.ts'
export { relayReason } from './reason.ts'
export {
  type CircuitAddress,
  formatCircuitAddress,
  formatRelayUrl,
  parseCircuitAddress,
  parseRelayUrl,
  RELAY_TRANSPORTS,
  type RelayAddress,
  type RelayTransport,
} from './relay-address.ts'
export { RELAY_STATUS, type RelayStatus, type RelayStatusName, relayStatusName } from './status.ts'
