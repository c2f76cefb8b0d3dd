import { createHash, randomBytes } from 'node:crypto'
import type { RecordStore } from './store/record-store.ts'
import type { TokenRecord } from './store/token-table.ts'
import { makeTotpSecret, type TotpKey, totpKey } from './totp.ts'

type Store = Pick<RecordStore, 'tokens' | 'audit' | 'transaction'>

const TOKEN_BYTES = 32

/** Of 256 random bits. */
export const makeToken = (): string => randomBytes(TOKEN_BYTES).toString('base64url')

/** What the store knows of a token. */
export const hashToken = (token: string): string => createHash('sha256').update(token).digest('hex')

type NewToken = Pick<TokenRecord, 'name' | 'scopes'> & {
  readonly expiresAt?: number | undefined
  readonly totp?: boolean | undefined
}

/** A new token and, where it has codes, the key of them; both are told nowhere else. @param by who makes it, for the audit */
export const addToken = (
  store: Store,
  { name, scopes, expiresAt, totp }: NewToken,
  by: string,
): { readonly token: string; readonly record: TokenRecord; readonly key?: TotpKey } => {
  const token = makeToken()
  const secret = totp === true ? makeTotpSecret() : undefined
  const record = store.transaction(() => {
    const added = store.tokens.add({
      name,
      scopes: [...new Set(scopes)],
      hash: hashToken(token),
      ...(expiresAt !== undefined && { expiresAt }),
      ...(secret && { totp: secret }),
    })
    store.audit.append({ by, action: 'token.add', id: added.id, after: added })
    return added
  })
  return { token, record, ...(secret && { key: totpKey(secret, name) }) }
}

/** @throws RecordError RECORD_UNKNOWN */
export const removeToken = (store: Store, id: number, by: string): void =>
  store.transaction(() => {
    const before = store.tokens.list().find((token) => token.id === id)
    store.tokens.remove(id)
    store.audit.append({ by, action: 'token.remove', id, before })
  })
