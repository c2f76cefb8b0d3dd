export type { ClientStatus, HostStatus, TunnelStatus } from '../bridge/client-status.ts'
export { type Enrolment, formatEnrolment, parseEnrolment } from '../bridge/enrolment.ts'
export { BRIDGE_ERROR_CODES, BridgeError, type BridgeErrorCode } from './bridge-error.ts'
export {
  TunnelClient,
  type TunnelClientEvents,
  type TunnelClientOptions,
  type TunnelClientStatus,
} from './tunnel-client.ts'
