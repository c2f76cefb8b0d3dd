export { openBridgeTls } from './bridge-tls.ts'
export { acceptStream, refuseStream } from './answer-stream.ts'
export type { ClientStatus, HostStatus, TunnelStatus } from './client-status.ts'
export { type Enrolment, formatEnrolment, parseEnrolment } from './enrolment.ts'
export {
  bridgeIdentityFile,
  type ClientKeys,
  clientKeys,
  fingerprintOf,
  makeSecret,
  openBridgeIdentity,
} from './keys.ts'
export { NativeAgent } from './native-agent.ts'
export { type BridgeConfig, type BridgeOptions, openBridge } from './open-bridge.ts'
export type { OnVisit } from './own-streams.ts'
