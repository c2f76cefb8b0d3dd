import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

// Codes by time (RFC 6238), in the form that all authenticator apps know: HMAC-SHA-1, 6 digits, steps of 30 s.

const STEP_MS = 30_000
const DIGITS = 6
/** As long as the hash, RFC 4226 §4. */
const SECRET_BYTES = 20
const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/** What an app is to be given, this once. */
export interface TotpKey {
  /** In base32, for who types it. */
  readonly secret: string
  /** `otpauth://totp/…`, for who makes a QR code of it. */
  readonly uri: string
}

export const makeTotpSecret = (): Uint8Array => randomBytes(SECRET_BYTES)

/** @param name what the app calls it */
export const totpKey = (secret: Uint8Array, name: string): TotpKey => {
  const text = base32(secret)
  const label = encodeURIComponent(`Sluice:${name}`)
  return {
    secret: text,
    uri: `otpauth://totp/${label}?secret=${text}&issuer=Sluice&digits=${DIGITS}&period=30`,
  }
}

/** The code of a step (RFC 4226 §5.3). @param step of 30 s each, since 1970 */
export const totpCode = (secret: Uint8Array, step: number): string => {
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(step))
  const mac = createHmac('sha1', secret).update(counter).digest()
  const at = mac.at(-1)! & 15
  const number = mac.readUInt32BE(at) & 0x7fff_ffff
  return String(number % 10 ** DIGITS).padStart(DIGITS, '0')
}

/**
 * Which step a code is of: the present one, or one beside it, since clocks differ and people take their time.
 * @param now wall clock, ms @returns undefined where it is none of theirs
 */
export const totpStep = (secret: Uint8Array, code: string, now: number): number | undefined => {
  if (!/^\d{6}$/.test(code)) return undefined
  const present = Math.floor(now / STEP_MS)
  const steps = [present + 1, present, present - 1].filter((step) => step > 0)
  return steps.find((step) => timingSafeEqual(Buffer.from(totpCode(secret, step)), Buffer.from(code)))
}

/** RFC 4648 §6, without padding: the secret is 32 whole characters. */
const base32 = (bytes: Uint8Array): string => {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('')
  return (bits.match(/.{5}/g) ?? []).map((five) => BASE32[Number.parseInt(five, 2)]).join('')
}
