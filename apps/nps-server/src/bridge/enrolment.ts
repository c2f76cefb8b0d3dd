import { type Address, formatAddress, parseAddress, WireError } from '@sluice/wire'

/** All that a client program has to know to come in. */
export interface Enrolment {
  /** Where the server's bridge is, the first to be tried first; one at least. */
  readonly server: readonly Address[]
  /** 32 octets, see `fingerprintOf`. */
  readonly fingerprint: Uint8Array
  /** 32 octets; whoever has it is this client. */
  readonly secret: Uint8Array
}

/** 32 octets in Base64url are 43 characters, and the last of them has two bits to spare. */
const TEXT = /^sluice-nps:\/\/([\w-]{42}[AEIMQUYcgkosw048])\.([\w-]{42}[AEIMQUYcgkosw048])@(\S+)$/
const MAX_TEXT = 4096
const MAX_SERVERS = 16

/** `sluice-nps://SECRET.FINGERPRINT@HOST:PORT[,HOST:PORT]`. */
export const formatEnrolment = ({ server, fingerprint, secret }: Enrolment): string =>
  `sluice-nps://${base64url(secret)}.${base64url(fingerprint)}@${server.map(formatAddress).join(',')}`

/** @throws WireError WIRE_SYNTAX, WIRE_ADDRESS; nothing of the text is in it */
export const parseEnrolment = (text: string): Enrolment => {
  const [, secret, fingerprint, places] = (text.length <= MAX_TEXT && TEXT.exec(text.trim())) || []
  if (secret === undefined || fingerprint === undefined || places === undefined) {
    throw new WireError('WIRE_SYNTAX', 'no enrolment, which is sluice-nps://SECRET.FINGERPRINT@HOST:PORT')
  }
  const server = places.split(',')
  if (server.length > MAX_SERVERS) {
    throw new WireError('WIRE_TOO_LONG', `an enrolment with more than ${MAX_SERVERS} addresses`)
  }
  return {
    server: server.map(parseAddress),
    fingerprint: octets(fingerprint),
    secret: octets(secret),
  }
}

const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url')
const octets = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64url'))
