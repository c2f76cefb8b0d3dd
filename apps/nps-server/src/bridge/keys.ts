import { createPrivateKey, createPublicKey, hash, type KeyObject, randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { type IdentityKey, openIdentityKey, rawPublicKey } from '@sluice/service'

/** In front of the 32 octets of a private key, RFC 8410 §7. */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex')
const SECRET_BYTES = 32

/** What a client program proves itself by. */
export interface ClientKeys {
  /** Base64url of the 32 octets, as a client's record has it. */
  readonly publicKey: string
  readonly privateKey: KeyObject
}

/** A client's secret: 32 random octets, shown once. */
export const makeSecret = (): Uint8Array => randomBytes(SECRET_BYTES)

/** @param secret 32 octets, which are an Ed25519 private key (RFC 8032 §5.1.5) */
export const clientKeys = (secret: Uint8Array): ClientKeys => {
  const privateKey = createPrivateKey({ key: Buffer.concat([PKCS8, secret]), format: 'der', type: 'pkcs8' })
  return { publicKey: keyText(rawPublicKey(createPublicKey(privateKey))!), privateKey }
}

/** A public key as records have it. */
export const keyText = (publicKey: Uint8Array): string => Buffer.from(publicKey).toString('base64url')

/** What an enrolment says of the server: SHA-256 of the 32 octets of its Ed25519 key. */
export const fingerprintOf = (publicKey: Uint8Array): Uint8Array =>
  new Uint8Array(hash('sha256', publicKey, 'buffer'))

/** Who the server is; whoever asks first makes it. @throws ConfigError as `openIdentityKey` */
export const openBridgeIdentity = (config: { readonly data: string }): IdentityKey =>
  openIdentityKey(bridgeIdentityFile(config))

export const bridgeIdentityFile = ({ data }: { readonly data: string }): string =>
  join(data, 'bridge-identity.pem')
