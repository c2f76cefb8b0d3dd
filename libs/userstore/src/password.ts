import { randomBytes, scrypt, scryptSync, timingSafeEqual, type ScryptOptions } from 'node:crypto'
import { StoreError } from './store-error.ts'

export const PASSWORD_MAX_BYTES = 1024
/** scrypt's cost as a power of two: 2^15 blocks of 1 KiB are 32 MiB and some 70 ms a run. */
export const PASSWORD_COST = 15

const BLOCK = 8
const MEMORY_MAX = 64 * 1024 * 1024
const SALT_BYTES = 16
const HASH_BYTES = 32
const PHC = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d)\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{43})$/

interface Parsed {
  options: ScryptOptions
  salt: Buffer
  hash: Buffer
}

/**
 * `$scrypt$ln=15,r=8,p=1$salt$hash`, salt and hash in base64 without padding.
 * @throws StoreError PASSWORD_VALUE unless the password has 1 to 1024 bytes
 */
export async function hashPassword(
  password: Uint8Array | string,
  cost: number = PASSWORD_COST,
): Promise<string> {
  const salt = randomBytes(SALT_BYTES)
  return phc(cost, salt, await derive(checked(password), salt, scryptOptions(cost, BLOCK, 1)))
}

/** As hashPassword, and blocks: for a thread of its own. */
export function hashPasswordSync(password: Uint8Array | string, cost: number = PASSWORD_COST): string {
  const salt = randomBytes(SALT_BYTES)
  return phc(cost, salt, scryptSync(checked(password), salt, HASH_BYTES, scryptOptions(cost, BLOCK, 1)))
}

/** A hash of no known password that costs as much to check as one of hashPassword's. */
export function decoyHash(cost: number = PASSWORD_COST): string {
  return phc(cost, randomBytes(SALT_BYTES), randomBytes(HASH_BYTES))
}

/** Whether `hash` is one that checkPassword can check with at most 64 MiB. */
export function isPasswordHash(hash: string): boolean {
  return parse(hash) !== undefined
}

/** Whether the password is the one that was hashed; false for a hash that is none. Runs on the thread pool. */
export async function checkPassword(hash: string, password: Uint8Array): Promise<boolean> {
  const parsed = parse(hash)
  if (parsed === undefined) return false
  return timingSafeEqual(await derive(password, parsed.salt, parsed.options), parsed.hash)
}

function checked(password: Uint8Array | string): Uint8Array {
  const bytes = typeof password === 'string' ? Buffer.from(password) : password
  if (bytes.length > 0 && bytes.length <= PASSWORD_MAX_BYTES) return bytes
  throw new StoreError(
    'PASSWORD_VALUE',
    `password: wanted 1 to ${PASSWORD_MAX_BYTES} bytes, got ${bytes.length}`,
  )
}

function parse(hash: string): Parsed | undefined {
  const [, cost, block, parallel, salt, value] = hash.length < 256 ? (PHC.exec(hash) ?? []) : []
  if (salt === undefined || value === undefined) return undefined
  const options = scryptOptions(Number(cost), Number(block), Number(parallel))
  const { N = 0, r = 0, p = 0 } = options
  if (N < 2 || r < 1 || p < 1 || p > 4 || 128 * N * r > MEMORY_MAX) return undefined
  return { options, salt: Buffer.from(salt, 'base64'), hash: Buffer.from(value, 'base64') }
}

function scryptOptions(cost: number, r: number, p: number): ScryptOptions {
  // Node's own bound counts a few blocks more than N.
  return { N: 2 ** cost, r, p, maxmem: 2 * MEMORY_MAX }
}

function derive(password: Uint8Array, salt: Uint8Array, options: ScryptOptions): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password, salt, HASH_BYTES, options, (error, key) =>
      error === null ? resolve(key) : reject(error),
    )
  })
}

const phc = (cost: number, salt: Buffer, hash: Buffer): string =>
  `$scrypt$ln=${cost},r=${BLOCK},p=1$${unpadded(salt)}$${unpadded(hash)}`

const unpadded = (bytes: Buffer): string => bytes.toString('base64').replace(/=+$/, '')
