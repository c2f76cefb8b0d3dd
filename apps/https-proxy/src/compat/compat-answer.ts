import { randomBytes, randomInt } from 'node:crypto'
import { type ErrorCode, OUTCOMES, ServiceError } from '@sluice/service'
import { COMPAT_KEY_BYTES, COMPAT_MAX_BYTES, encodeCompatResponse, type HttpField } from '@sluice/wire'

/** A frame for the client. */
export interface CompatAnswer {
  readonly status: number
  readonly frame: Uint8Array
  /** Those of `frame` that are the body, as it stands in the JSON. */
  readonly bodyBytes: number
}

interface Refusal {
  /** Of the request, where there is one. */
  readonly id?: string | undefined
  readonly retryMs?: number | undefined
}

/** What the original has no word for keeps its HTTP status; all that is wrong behind us is 500 there. */
const ITS_OWN: Readonly<Record<number, number>> = { 407: 403, 501: 500, 502: 500, 508: 500 }
/** There, a frame that makes no sense is an error like any other. */
const NO_FRAME: ReadonlySet<ErrorCode> = new Set(['HANDSHAKE_INVALID', 'HANDSHAKE_TOO_LONG'])

/** How the original's clients are told of an outcome. */
export const compatStatus = (code: ErrorCode): number => {
  if (code === 'SCHEME_UNSUPPORTED') return 400
  if (NO_FRAME.has(code)) return 500
  const { http } = OUTCOMES[code]
  return ITS_OWN[http] ?? http
}

/**
 * The answer of an origin as the original had it: one value for each name, so what was repeated is joined by commas.
 * @throws ServiceError RESPONSE_TOO_LARGE over 10 MiB
 */
export const compatAnswer = (status: number, fields: readonly HttpField[], text: string): CompatAnswer => {
  const headers = Object.fromEntries(joined(fields).values())
  const body = Buffer.from(JSON.stringify(text))
  const head = Buffer.from(`${JSON.stringify({ status_code: status, headers }).slice(0, -1)},"body":`)
  const data = Buffer.concat([head, body, Buffer.from('}')])
  const key = randomBytes(randomInt(COMPAT_KEY_BYTES.MIN, COMPAT_KEY_BYTES.MAX + 1))
  if (1 + key.length + data.length > COMPAT_MAX_BYTES) throw new ServiceError('RESPONSE_TOO_LARGE')
  return { status, frame: encodeCompatResponse({ key, data }), bodyBytes: body.length - 2 }
}

/** An answer of our own: no body, as the original has it; the code is in a header. */
export const compatRefusal = (code: ErrorCode, { id, retryMs }: Refusal = {}): CompatAnswer => {
  const fields: HttpField[] = [['Sluice-Code', code]]
  if (id !== undefined) fields.push(['Sluice-Request-Id', id])
  if (retryMs !== undefined) fields.push(['Retry-After', String(Math.max(1, Math.ceil(retryMs / 1000)))])
  return compatAnswer(compatStatus(code), fields, '')
}

/** By its name in lower case, each with the spelling that came first. */
const joined = (fields: readonly HttpField[]): Map<string, HttpField> => {
  const all = new Map<string, HttpField>()
  for (const [name, value] of fields) {
    const known = all.get(name.toLowerCase())
    all.set(name.toLowerCase(), known === undefined ? [name, value] : [known[0], `${known[1]}, ${value}`])
  }
  return all
}
