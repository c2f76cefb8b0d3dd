import { randomBytes, sign, timingSafeEqual, verify } from 'node:crypto'
import { type Conn, connectTls, type Dial, keyingMaterial, Reader } from '@sluice/net'
import { publicKeyOf } from '@sluice/service'
import { type Address, formatAddress, WireError } from '@sluice/wire'
import {
  BRIDGE_ALPN,
  BRIDGE_EXPORTER_LABEL,
  BRIDGE_KEYING_BYTES,
  BRIDGE_VERDICT,
  type BridgeChallenge,
  type BridgeInfo,
  type BridgeLogin,
  type BridgeTerms,
  type BridgeVerdict,
  clientTranscript,
  decodeBridgeChallenge,
  decodeBridgeVerdict,
  encodeBridgeLogin,
  readBridgeRefusal,
  readBridgeTerms,
  serverTranscript,
} from '@sluice/wire/bridge'
import { type ClientKeys, fingerprintOf } from '../bridge/keys.ts'
import { BridgeError } from './bridge-error.ts'

export interface ClientLoginParts {
  readonly dial: Dial
  readonly keys: ClientKeys
  /** Of the server, 32 octets. */
  readonly fingerprint: Uint8Array
  readonly info: BridgeInfo
}

/** A conn that the server has let in. */
export interface Admitted {
  readonly conn: Conn
  readonly terms: BridgeTerms
}

/** More than a challenge, and than a verdict, by one octet. */
const MAX_ANSWER_BYTES = 1 + 32 + 2 + 1024 + 64 + 1

/**
 * Dials a bridge, and logs in.
 * @param signal ends the attempt
 * @throws BridgeError
 */
export const connectBridge = async (
  address: Address,
  parts: ClientLoginParts,
  signal: AbortSignal,
): Promise<Admitted> => {
  let conn: Conn | undefined
  const stop = (): void => conn?.destroy()
  signal.addEventListener('abort', stop)
  try {
    conn = await parts.dial(address, signal)
    await connectTls(conn, { name: address.host, takesAnyCert: true, protocols: [BRIDGE_ALPN] }, signal)
    return { conn, terms: await login(conn, parts) }
  } catch (error) {
    conn?.destroy()
    throw failureOf(address, signal.aborted ? signal.reason : error)
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

const failureOf = (address: Address, cause: unknown): BridgeError => {
  if (cause instanceof BridgeError) return cause
  const why = cause instanceof Error ? cause.message : String(cause)
  const code = cause instanceof WireError ? 'BRIDGE_SERVER' : 'BRIDGE_LOST'
  const place = formatAddress(address)
  return new BridgeError(code, why.startsWith(place) ? why : `${place}: ${why}`, { cause })
}

const login = async (conn: Conn, { keys, fingerprint, info }: ClientLoginParts): Promise<BridgeTerms> => {
  const keying = keyingMaterial(conn, BRIDGE_EXPORTER_LABEL, BRIDGE_KEYING_BYTES)
  if (keying === undefined) throw new BridgeError('BRIDGE_SERVER', 'the server speaks no TLS 1.3')
  const reader = new Reader(conn, MAX_ANSWER_BYTES)
  const challenge = await reader.read(decodeBridgeChallenge)
  const mine = loginOf(challenge, keys, info, keying)
  conn.write(encodeBridgeLogin(mine))
  const verdict = await reader.read(decodeBridgeVerdict)
  checkServer(verdict, fingerprint, serverTranscript(challenge, mine, verdict, keying))
  reader.release()
  if (verdict.code === BRIDGE_VERDICT.OK) return readBridgeTerms(verdict.body)
  throw refusalOf(verdict)
}

const loginOf = (
  challenge: BridgeChallenge,
  { publicKey, privateKey }: ClientKeys,
  info: BridgeInfo,
  keying: Uint8Array,
): BridgeLogin => {
  const unsigned = {
    publicKey: new Uint8Array(Buffer.from(publicKey, 'base64url')),
    nonce: randomBytes(32),
    info: JSON.stringify(info),
  }
  return { ...unsigned, signature: sign(null, clientTranscript(challenge, unsigned, keying), privateKey) }
}

/** Whoever sits in between has another conn to the server, and so no signature for this one. */
const checkServer = (
  { publicKey, signature }: BridgeVerdict,
  fingerprint: Uint8Array,
  signed: Uint8Array,
): void => {
  const isPinned = timingSafeEqual(fingerprintOf(publicKey), fingerprint)
  if (isPinned && verify(null, signed, publicKeyOf(publicKey), signature)) return
  throw new BridgeError('BRIDGE_SERVER', 'whoever answers is not the server of the enrolment')
}

/** As seen from here, where nobody has typed a name or a password. */
const WORDS: Readonly<Record<string, string>> = {
  AUTH_FAILED: 'the server knows no such enrolment: it was made void, or is of another server',
  USER_DISABLED: 'the client is disabled at the server',
  USER_EXPIRED: 'the client has expired at the server',
}

const refusalOf = ({ code, body }: BridgeVerdict): BridgeError => {
  const { code: outcome, text } = readBridgeRefusal(body)
  const isFinal = code === BRIDGE_VERDICT.AUTH_FAILED
  return new BridgeError(
    isFinal ? 'BRIDGE_REFUSED' : 'BRIDGE_NOT_NOW',
    `${outcome}: ${WORDS[outcome] ?? text}`,
  )
}
