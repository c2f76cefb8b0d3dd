import { STATUS_CODES } from 'node:http'
import { codeOf, type ErrorCode, OUTCOMES, retryMsOf } from '@sluice/service'
import type { AnswerForm, OwnAnswer } from '@sluice/service/http'
import { encodeResponseHead, type HttpField } from '@sluice/wire'

/** What visitors are told in place of a site. */
interface Page {
  readonly status: number
  readonly fields: readonly HttpField[]
  readonly body: string
}

/** Whoever asks for what is not here learns nothing of what is: no codes, no names. */
const BARE: ReadonlySet<number> = new Set([400, 404, 405, 408, 413, 431, 501, 505])

/** Asks for a name and a password here, where a proxy would ask with 407. */
const LOGIN: ReadonlySet<ErrorCode> = new Set(['AUTH_REQUIRED', 'AUTH_FAILED'])

export const statusOf = (code: ErrorCode): number => (LOGIN.has(code) ? 401 : OUTCOMES[code].http)

/** The page for a failure: its status and, where there is a host that it is about, its code. */
export const pageOf = (error: unknown): Page => {
  const code = codeOf(error)
  const status = statusOf(code)
  const fields: [string, string][] = [['Cache-Control', 'no-store']]
  if (status === 401) fields.push(['WWW-Authenticate', 'Basic realm="Restricted", charset="UTF-8"'])
  const retryMs = retryMsOf(error)
  if (retryMs !== undefined) fields.push(['Retry-After', String(Math.ceil(retryMs / 1000))])
  const title = `${status} ${STATUS_CODES[status] ?? 'Error'}`
  const text = BARE.has(status) ? '' : `<p>${code}</p>`
  return { status, fields, body: `<!doctype html><title>${title}</title><h1>${title}</h1>${text}\n` }
}

const answer = (
  { status, fields, body }: Page,
  { keep = false, headOnly = false }: AnswerForm,
): OwnAnswer => {
  const all: HttpField[] = [
    ...fields,
    ['Content-Type', 'text/html; charset=utf-8'],
    ['Content-Length', String(Buffer.byteLength(body))],
  ]
  if (!keep) all.push(['Connection', 'close'])
  const head = encodeResponseHead({ status, reason: STATUS_CODES[status] ?? '', fields: all })
  return { status, bytes: headOnly ? head : Buffer.concat([head, Buffer.from(body)]) }
}

/** What a visitor over HTTP/1 is told of a failure. */
export const refusal = (error: unknown, form: AnswerForm): OwnAnswer => answer(pageOf(error), form)

/** Sends a visitor elsewhere, with the same method and body (RFC 9110 §15.4.9). */
const redirectPage = (location: string): Page => ({
  status: 308,
  fields: [['Location', location]],
  body: '',
})

export const redirect = (location: string, form: AnswerForm): OwnAnswer =>
  answer(redirectPage(location), form)

/** Shows who asks for certificates that the name is ours (RFC 8555 §8.3). */
export const proven = (proof: string, form: AnswerForm): OwnAnswer =>
  answer({ status: 200, fields: [['Cache-Control', 'no-store']], body: proof }, form)
