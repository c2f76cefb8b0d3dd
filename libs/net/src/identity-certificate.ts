import { createPublicKey, generateKeyPairSync, hash, type KeyObject, sign } from 'node:crypto'

/** One element of DER (X.690 §8.1): its tag, its length, what it holds. */
const der = (tag: number, ...parts: readonly Uint8Array[]): Buffer => {
  const body = Buffer.concat(parts)
  const { length } = body
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.of(tag, ...size), body])
}
const sequence = (...parts: readonly Uint8Array[]): Buffer => der(0x30, ...parts)
const hex = (text: string): Buffer => Buffer.from(text, 'hex')

const VERSION_3 = hex('a003020102')
/** How a key signs: 1.3.101.112 (RFC 8410 §3); 1.2.840.10045.4.3.2 (RFC 5758 §3.2). */
const ED25519 = { id: sequence(hex('06032b6570')), digest: null }
const ECDSA = { id: sequence(hex('06082a8648ce3d040302')), digest: 'sha256' }
/** A common name: an empty subject is not allowed (RFC 5280 §4.1.2.4). */
const NAME = sequence(der(0x31, sequence(hex('0603550403'), der(0x0c, Buffer.from('sluice')))))
/** From long ago, as clocks are wrong, and without an end (RFC 5280 §4.1.2.5). */
const VALIDITY = sequence(der(0x17, Buffer.from('200101000000Z')), der(0x18, Buffer.from('99991231235959Z')))
/** Basic constraints: of no authority. Some readers take a version 3 certificate only with an extension. */
const EXTENSIONS = der(0xa3, sequence(sequence(hex('0603551d13'), hex('0101ff'), der(0x04, sequence()))))

/** 8 octets of the key's hash, above 0. */
const serialOf = (spki: Uint8Array): Buffer => {
  const serial = hash('sha256', spki, 'buffer').subarray(0, 8)
  serial[0] = (serial[0]! & 0x3f) | 0x40
  return der(0x02, serial)
}

/**
 * A certificate over an Ed25519 key, signed by that key (RFC 5280 §4.1, RFC 8410): it proves over TLS that its holder has
 * the key, and nothing else. Always the same for the same key.
 * @returns PEM, the key in PKCS #8: what TLS is given as credentials
 */
export const identityCertificate = (privateKey: KeyObject): { cert: string; key: string } => {
  if (privateKey.asymmetricKeyType !== 'ed25519') throw new TypeError('an identity is an Ed25519 key')
  return certify(privateKey, ED25519)
}

/**
 * A certificate that says nothing of its holder, over a new P-256 key, which every browser can read: for whoever would rather
 * be warned of it than meet no TLS at all.
 * @returns as `identityCertificate`
 */
export const namelessCertificate = (): { cert: string; key: string } =>
  certify(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey, ECDSA)

const certify = (
  privateKey: KeyObject,
  { id, digest }: typeof ED25519 | typeof ECDSA,
): { cert: string; key: string } => {
  const spki = createPublicKey(privateKey).export({ type: 'spki', format: 'der' })
  const body = sequence(VERSION_3, serialOf(spki), id, NAME, VALIDITY, NAME, spki, EXTENSIONS)
  const signature = der(0x03, Buffer.of(0), sign(digest, body, privateKey))
  const base64 = sequence(body, id, signature).toString('base64')
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${base64.replaceAll(/.{1,64}/g, '$&\n')}-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}
