import type { RelayStatus } from './status.ts'

/** First octet of each frame. Those up to 12 have the numbers of go-dep2p. */
export const FRAME = {
  RESERVE: 0x01,
  RESERVE_RESPONSE: 0x02,
  CONNECT: 0x04,
  CONNECT_RESPONSE: 0x05,
  RELEASE: 0x08,
  INCOMING: 0x0a,
  ACCEPT: 0x0b,
  REJECT: 0x0c,
  CIRCUIT_CLOSED: 0x0d,
  PING: 0x12,
  PONG: 0x13,
  NOTICE: 0x14,
  GOAWAY: 0x15,
  HELLO: 0x40,
  CHALLENGE: 0x41,
  AUTH: 0x42,
  WELCOME: 0x43,
  RESERVATION: 0x50,
} as const

/** Most octets in the body of a frame: before and after the peer has proven who it is. */
export const MAX_BODY = { BEFORE_AUTH: 512, AFTER_AUTH: 4096 } as const
/** Most addresses in a RESERVE_RESPONSE, and octets in one; together they are a body as those of the other frames. */
export const MAX_ADDRESSES = 16
export const MAX_ADDRESS_BYTES = 1024
/** Most octets of a reason or notice. */
export const MAX_REASON_BYTES = 256
/** Most octets of an access token. */
export const MAX_TOKEN_BYTES = 256

/** Bits of the capabilities in HELLO and CHALLENGE; those that both sides name hold. */
export const CAPABILITY = {
  /** The reserved octets of RESERVE are the wanted life in seconds. */
  TTL_REQUEST: 0x0001,
  /** Signatures cover keying material of the TLS below. */
  CHANNEL_BINDING: 0x0002,
} as const

/** What one circuit may use; 0 is no limit. */
export interface CircuitTerms {
  /** Seconds. */
  readonly duration: number
  /** Octets in each direction. */
  readonly data: number
  /** Octets per second in each direction. */
  readonly rate: number
}

export interface Hello {
  readonly type: 'hello'
  readonly minVersion: number
  readonly maxVersion: number
  /** See {@link CAPABILITY}. */
  readonly capabilities: number
  /** Ed25519, 32 octets. */
  readonly publicKey: Uint8Array
  /** 32 random octets. */
  readonly nonce: Uint8Array
}

export interface Challenge {
  readonly type: 'challenge'
  readonly version: number
  readonly capabilities: number
  readonly publicKey: Uint8Array
  readonly nonce: Uint8Array
  /** 64 octets; see `relayProof`. */
  readonly signature: Uint8Array
}

export interface Auth {
  readonly type: 'auth'
  /** 64 octets; see `clientProof`. */
  readonly signature: Uint8Array
  /** An access token, 1 to 256 octets. */
  readonly token?: Uint8Array | undefined
}

export interface Welcome extends CircuitTerms {
  readonly type: 'welcome'
  /** 16 octets. */
  readonly sessionId: Uint8Array
  /** Seconds; 0: no pings are wanted. */
  readonly pingInterval: number
  /** Seconds without a frame after which a control connection is closed. */
  readonly idleTimeout: number
  /** Circuits that a peer may have at a time; 0: any number. */
  readonly circuits: number
  /** Where the relay sees the peer, `host:port`. */
  readonly observed: string
}

/** The WELCOME of those who are not: the connection ends behind it. */
export interface Unwelcome {
  readonly type: 'unwelcome'
  /** Not OK. */
  readonly status: RelayStatus
  readonly reason: string
}

export interface Reserve {
  readonly type: 'reserve'
  /** Wanted life in seconds, up to 2^24 - 1; 0: as the relay likes. Has to be 0 without TTL_REQUEST. */
  readonly ttl: number
}

export interface ReserveResponse {
  readonly type: 'reserveResponse'
  readonly status: RelayStatus
  /** Where the peer can be reached now, the relay's address in front; see `MAX_ADDRESSES`. */
  readonly addresses: readonly string[]
}

/** Follows a RESERVE_RESPONSE that is OK, for peers who have sent HELLO. */
export interface Reservation extends CircuitTerms {
  readonly type: 'reservation'
  /** Seconds since 1970. */
  readonly expire: number
  /** Seconds. */
  readonly ttl: number
  /** Circuits that the peer may have at a time; 0: any number. */
  readonly slots: number
  /** See `voucherBody`; empty where the relay gives none. */
  readonly voucher: Uint8Array
}

export interface Release {
  readonly type: 'release'
}

export interface Ping {
  readonly type: 'ping'
  /** 8 octets. */
  readonly opaque: Uint8Array
}

export interface Pong {
  readonly type: 'pong'
  /** Those of the PING. */
  readonly opaque: Uint8Array
}

export interface Notice {
  readonly type: 'notice'
  readonly status: RelayStatus
  readonly text: string
}

export interface Goaway {
  readonly type: 'goaway'
  readonly status: RelayStatus
  readonly reconnectAfterMs: number
  /** How long it is worth trying; 0: do not come back. */
  readonly tryForMs: number
  /** Another relay, as a relay URL; '' where there is none. */
  readonly address: string
}

export interface ConnectFrame {
  readonly type: 'connect'
  /** NodeID, 32 octets, not all 0. */
  readonly destination: Uint8Array
}

/** The circuit stands: raw octets follow. To the source, and as the start mark to the destination. */
export interface Connected extends CircuitTerms {
  readonly type: 'connected'
  readonly circuitId: Uint8Array
  readonly peer: Uint8Array
  readonly peerKey: Uint8Array
}

export interface ConnectRefused {
  readonly type: 'connectRefused'
  /** Not OK. */
  readonly status: RelayStatus
  /** Seconds after which another try is worth it; 0: not known. */
  readonly retryAfter: number
  readonly reason: string
  /** With REDIRECT: the relay that has the peer, as a relay URL; otherwise ''. */
  readonly address: string
}

export interface Incoming {
  readonly type: 'incoming'
  /** 16 octets. */
  readonly circuitId: Uint8Array
  readonly source: Uint8Array
  readonly sourceKey: Uint8Array
  /** 32 octets, good for one ACCEPT. */
  readonly token: Uint8Array
  /** Seconds. */
  readonly acceptWithin: number
  readonly duration: number
  readonly data: number
}

export interface Accept {
  readonly type: 'accept'
  readonly circuitId: Uint8Array
  readonly token: Uint8Array
}

export interface Reject {
  readonly type: 'reject'
  readonly status: RelayStatus
  readonly circuitId: Uint8Array
  readonly reason: string
}

export interface CircuitClosed {
  readonly type: 'circuitClosed'
  readonly status: RelayStatus
  readonly circuitId: Uint8Array
  /** Octets, source to destination and back. */
  readonly up: number
  readonly down: number
  readonly ms: number
}

export type RelayFrame =
  | Hello
  | Challenge
  | Auth
  | Welcome
  | Unwelcome
  | Reserve
  | ReserveResponse
  | Reservation
  | Release
  | Ping
  | Pong
  | Notice
  | Goaway
  | ConnectFrame
  | Connected
  | ConnectRefused
  | Incoming
  | Accept
  | Reject
  | CircuitClosed

export type RelayFrameOf<K extends RelayFrame['type']> = Extract<RelayFrame, { readonly type: K }>
