import { createPrivateKey, createPublicKey, generateKeyPairSync, X509Certificate } from 'node:crypto'
import { expect, it } from 'vitest'
import { identityCertificate, namelessCertificate } from './identity-certificate.ts'
import { createTlsContext } from './tls-context.ts'

/** RFC 8032 §7.1, test 1. */
const SEED = '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60'
const known = createPrivateKey({
  key: Buffer.from(`302e020100300506032b657004220420${SEED}`, 'hex'),
  format: 'der',
  type: 'pkcs8',
})

it('is what an independent reader takes for a certificate over the key, signed by it', () => {
  const { cert, key } = identityCertificate(known)
  const certificate = new X509Certificate(cert)
  const publicKey = createPublicKey(known)
  expect(certificate.verify(publicKey)).toBe(true)
  expect(certificate.publicKey.equals(publicKey)).toBe(true)
  expect(certificate.checkPrivateKey(createPrivateKey(key))).toBe(true)
  expect(certificate.checkIssued(certificate)).toBe(true)
  expect([certificate.subject, certificate.issuer, certificate.ca]).toEqual(['CN=sluice', 'CN=sluice', false])
  expect([certificate.validFrom, certificate.validTo]).toEqual([
    'Jan  1 00:00:00 2020 GMT',
    'Dec 31 23:59:59 9999 GMT',
  ])
  expect(certificate.serialNumber).toMatch(/^[4-7][0-9A-F]{15}$/)
})

it('is the same each time, and another for another key', () => {
  expect(identityCertificate(known)).toEqual(identityCertificate(known))
  const other = new X509Certificate(identityCertificate(generateKeyPairSync('ed25519').privateKey).cert)
  expect(other.serialNumber).not.toBe(new X509Certificate(identityCertificate(known).cert).serialNumber)
  expect(other.verify(createPublicKey(known))).toBe(false)
})

it('is for Ed25519 alone', () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  expect(() => identityCertificate(privateKey)).toThrow(TypeError)
})

it('for those who have none is over a key that every browser can read', () => {
  const { cert, key } = namelessCertificate()
  const certificate = new X509Certificate(cert)
  expect(certificate.publicKey.asymmetricKeyDetails).toEqual({ namedCurve: 'prime256v1' })
  expect(certificate.verify(createPublicKey(key))).toBe(true)
  expect(createTlsContext({ cert, key })).toBeDefined()
})
