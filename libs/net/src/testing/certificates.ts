import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { parseIp } from '@sluice/wire'

/** A certificate and its key, PEM. */
export interface Identity {
  readonly cert: string
  readonly key: string
}

export interface Authority extends Identity {
  /** A certificate of this authority's for these names and addresses. */
  issue(...names: string[]): Identity
  /** As `issue`, of one that was good until 2021. */
  expired(...names: string[]): Identity
}

/** One element of DER (X.690 §8.1): its tag, its length, what it holds. */
const der = (tag: number, ...parts: readonly Uint8Array[]): Buffer => {
  const body = Buffer.concat(parts)
  const size = body.length < 0x80 ? [body.length] : [0x82, body.length >> 8, body.length & 0xff]
  return Buffer.concat([Buffer.of(tag, ...size), body])
}
const sequence = (...parts: readonly Uint8Array[]): Buffer => der(0x30, ...parts)
const hex = (text: string): Buffer => Buffer.from(text, 'hex')

const ECDSA_WITH_SHA256 = sequence(hex('06082a8648ce3d040302'))
const LONG = sequence(der(0x17, Buffer.from('200101000000Z')), der(0x18, Buffer.from('21200101000000Z')))
const OVER = sequence(der(0x17, Buffer.from('200101000000Z')), der(0x17, Buffer.from('210101000000Z')))
const IS_CA = sequence(hex('0603551d13'), hex('0101ff'), der(0x04, sequence(hex('0101ff'))))

const subject = (name: string): Buffer =>
  sequence(der(0x31, sequence(hex('0603550403'), der(0x0c, Buffer.from(name)))))

const alternatives = (names: readonly string[]): Buffer => {
  const entries = names.map((name) => {
    const ip = parseIp(name)
    return ip === undefined ? der(0x82, Buffer.from(name)) : der(0x87, ip)
  })
  return sequence(hex('0603551d11'), der(0x04, sequence(...entries)))
}

const pem = (body: Buffer): string =>
  `-----BEGIN CERTIFICATE-----\n${body.toString('base64').replaceAll(/.{64}(?!$)/g, '$&\n')}\n-----END CERTIFICATE-----\n`

interface Signer {
  readonly name: string
  readonly privateKey: KeyObject
}

let serial = 0

/** An X.509 certificate (RFC 5280 §4.1) over P-256. */
const certify = (name: string, extension: Buffer, signer?: Signer, valid = LONG): Identity & Signer => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const toBeSigned = sequence(
    hex('a003020102'),
    der(0x02, Buffer.of(++serial)),
    ECDSA_WITH_SHA256,
    subject(signer?.name ?? name),
    valid,
    subject(name),
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(extension)),
  )
  const signature = sign('sha256', toBeSigned, signer?.privateKey ?? privateKey)
  return {
    name,
    privateKey,
    cert: pem(sequence(toBeSigned, ECDSA_WITH_SHA256, der(0x03, Buffer.of(0), signature))),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}

/** An authority of its own, made anew at each call. */
export const createAuthority = (name = 'test authority'): Authority => {
  const root = certify(name, IS_CA)
  return {
    ...root,
    issue: (...names) => certify(names[0]!, alternatives(names), root),
    expired: (...names) => certify(names[0]!, alternatives(names), root, OVER),
  }
}
