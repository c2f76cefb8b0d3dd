import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomUUID,
  sign,
} from 'node:crypto'
import {
  fchmodSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  closeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { errnoOf } from '@sluice/net'
import { ConfigError } from './config-error.ts'
import { rawPublicKey } from './ed25519.ts'

/** An Ed25519 key (RFC 8032) as whom a program is known. */
export interface IdentityKey {
  /** 32 octets. */
  readonly publicKey: Uint8Array
  /** PKCS #8. */
  readonly privateKeyPem: string
  /** @returns 64 octets */
  readonly sign: (bytes: Uint8Array) => Uint8Array
}

/** A key is far less; a file of more is none. */
const MAX_FILE_BYTES = 4096

/**
 * The key in `file`, which is made, for its owner alone, where there is none. Of several programs that make it at
 * once one wins, and all have the same.
 * @throws ConfigError CONFIG_INVALID where the file cannot be read or written, or holds no such key
 */
export const openIdentityKey = (file: string): IdentityKey =>
  keyOf(file, readKeyFile(file) ?? makeKeyFile(file))

/** Whether others than its owner may read `file`; false where the system has no such rights. */
export const isExposed = (file: string): boolean =>
  process.platform !== 'win32' && (statSync(file).mode & 0o077) !== 0

/** A key that nothing keeps. */
export const freshIdentityKey = (): IdentityKey => keyOf('a fresh key', freshKey())

const keyOf = (file: string, pem: string): IdentityKey => {
  const key = privateKeyOf(file, pem)
  const publicKey = rawPublicKey(createPublicKey(key))!
  return { publicKey, privateKeyPem: pem, sign: (bytes) => sign(null, bytes, key) }
}

const privateKeyOf = (file: string, pem: string): KeyObject => {
  let key: KeyObject | undefined
  try {
    key = createPrivateKey(pem)
  } catch {
    // Without the cause: its text may quote what is in the file.
  }
  if (key?.asymmetricKeyType === 'ed25519') return key
  throw new ConfigError(
    'CONFIG_INVALID',
    `${file} does not hold an Ed25519 private key (PKCS #8, PEM); put the right one there, or move it away for a new identity`,
  )
}

const readKeyFile = (file: string): string | undefined => {
  try {
    const pem = readFileSync(file, 'utf8')
    return pem.length > MAX_FILE_BYTES ? '' : pem
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw unusable('read', file, error)
  }
}

const freshKey = (): string =>
  generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()

const makeKeyFile = (file: string): string => {
  const draft = `${file}.${randomUUID()}.tmp`
  try {
    mkdirSync(dirname(file), { recursive: true })
    writeDraft(draft, freshKey())
    linkOnce(draft, file)
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw unusable('write', file, error)
  } finally {
    rmSync(draft, { force: true })
  }
}

const writeDraft = (draft: string, pem: string): void => {
  const descriptor = openSync(draft, 'wx', 0o600)
  try {
    fchmodSync(descriptor, 0o600)
    writeFileSync(descriptor, pem)
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

/** Unlike a rename, a link never takes the place of a key that has come in between. */
const linkOnce = (draft: string, file: string): void => {
  try {
    linkSync(draft, file)
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error
  }
}

const unusable = (verb: string, file: string, cause: unknown): ConfigError =>
  new ConfigError('CONFIG_INVALID', `cannot ${verb} the identity in ${file} (${errnoOf(cause)})`, {
    cause,
  })
