import { createHash, timingSafeEqual } from 'node:crypto'

const SHORTEST = 16

/** Whether nobody will guess it. */
export const isToken = (token: string): boolean => token.length >= SHORTEST && /^[\x21-\x7e]+$/.test(token)

/** What makes a text that {@link isToken}, for people. */
export const TOKEN_FORM: string = `a text of at least ${SHORTEST} characters of ASCII, without blanks`

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

/** Whether two secrets are the same, in a time that tells nothing of them. */
export const isSame = (left: string, right: string): boolean => timingSafeEqual(digest(left), digest(right))

/** Whether `header` is `Bearer` with this token (RFC 6750 §2.1). */
export const isBearer = (header: string | undefined, token: string): boolean => {
  const [, given] = /^bearer +(\S{1,1024})$/i.exec(header ?? '') ?? []
  return isSame(given ?? '', token) && given !== undefined
}
