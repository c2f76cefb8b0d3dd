export { AddressSet } from './address-set.ts'
export { AddressPolicy, DENIED_BY_DEFAULT, type TargetPolicy } from './address-policy.ts'
export { BufferPool } from './buffer-pool.ts'
export { wasted } from './cipher-waste.ts'
export type { Conn, ConnSink } from './conn.ts'
export { ConnStream } from './conn-stream.ts'
export { createDial, type Dial, type DialOptions, type DialTerms, type TcpDial } from './dial.ts'
export { contains, type IpNetwork, parseNetwork, plainIp } from './ip-network.ts'
export { createResolver, type CreateResolverOptions } from './dns/create-resolver.ts'
export type { IpFamily } from './dns/name-source.ts'
export type { LookupResult, Resolver } from './dns/resolver.ts'
export { type Lane, type LaneSource, LaneWriter, type Limiter } from './lane-writer.ts'
export { listen, type Listener, type ListenOptions } from './listen.ts'
export { dialCode, errnoOf, NET_ERROR_CODES, NetError, type NetErrorCode } from './net-error.ts'
export {
  type DatagramListenOptions,
  DatagramSocket,
  type DatagramSocketOptions,
  type OnDatagram,
} from './datagram-socket.ts'
export { drainSilently } from './drain-silently.ts'
export { identityCertificate, namelessCertificate } from './identity-certificate.ts'
export { Inbound, type InboundOptions } from './inbound.ts'
export { createLocate, type Locate, type LocateOptions } from './locate.ts'
export type { PortRange } from './port-range.ts'
export { readInPlace } from './read-in-place.ts'
export { Reader } from './reader.ts'
export { refuse } from './refuse.ts'
export { LIMITED_READ, Relay } from './relay.ts'
export { type HttpHop, type HttpOutcome, type Route, straight } from './upstream/route.ts'
export { readProxyHeader, writeProxyHeader } from './proxy-header.ts'
export { takeSocket } from './take-socket.ts'
export { connectTls, startTls, type TlsDialOptions, whenSecure } from './start-tls.ts'
export { tlsOver } from './tls-over.ts'
export { keyingMaterial, peerKey, rawKey } from './tls-peer.ts'
export { tlsSocket, type TlsSocketOptions } from './tls-socket.ts'
export { TlsFiles, type TlsFilesOptions, type TlsPaths } from './tls-files.ts'
export { createTlsContext, type TlsContext, type TlsCredentials } from './tls-context.ts'
export { checkTarget } from './upstream/target-check.ts'
export type {
  UpstreamChange,
  UpstreamGroup,
  UpstreamMember,
  UpstreamResult,
} from './upstream/upstream-group.ts'
export { type Hop, hidePassword, parseUpstreamUrl } from './upstream/upstream-url.ts'
export { createUpstreams, DIRECT, type Upstreams, type UpstreamsOptions } from './upstream/upstreams.ts'
