import {
  createResponseHeadDecoder,
  encodeBasic,
  encodeRequestHead,
  fieldValues,
  formatAddress,
  type HttpField,
  type ResponseHead,
} from '@sluice/wire'
import { NET_ERROR_CODES, type NetErrorCode } from '../net-error.ts'
import type { Reader } from '../reader.ts'
import { type Ask, type Question, toldBy, upstreamError } from './ask.ts'

/** What a status other than 2xx says of the target; all others: DIAL_FAILED. */
const BY_STATUS: Readonly<Record<number, NetErrorCode>> = {
  403: 'TARGET_DENIED',
  408: 'DIAL_TIMEOUT',
  451: 'TARGET_DENIED',
  504: 'DIAL_TIMEOUT',
}
/** The proxy has no CONNECT, or nothing left for us: another one may. */
const NOT_OF_THE_TARGET: ReadonlySet<number> = new Set([405, 429, 501])
/** A Sluice says exactly what it was. */
const TOLD_CODES: ReadonlySet<string> = new Set(
  NET_ERROR_CODES.filter((code) => /^DIAL_|^TARGET_DENIED$/.test(code) && code !== 'DIAL_LOCAL_LIMIT'),
)
/** Interim answers (1xx) that are read over. */
const MAX_INTERIM = 8

/** HTTP CONNECT (RFC 9110 §9.3.6), with Basic where there are credentials (RFC 7617). */
export const askConnect: Ask = async (question) => {
  const { reader, hop } = question
  reader.conn.write(requestFor(question))
  question.onAsked()
  const head = await finalHead(reader)
  const { status } = head
  if (status >= 200 && status < 300) return undefined
  if (status === 407) throw upstreamError('UPSTREAM_AUTH', hop, 'refuses the credentials (407)')
  if (status < 200 || NOT_OF_THE_TARGET.has(status))
    throw upstreamError('UPSTREAM_FAILED', hop, `answers with ${status}`)
  return toldBy(toldCode(head), question, `${status} ${head.reason}`)
}

const requestFor = ({ hop: { credentials }, target }: Question): Uint8Array => {
  const authority = formatAddress(target)
  const fields: HttpField[] = [['Host', authority]]
  if (credentials !== undefined) fields.push(['Proxy-Authorization', encodeBasic(credentials)])
  return encodeRequestHead({ method: 'CONNECT', target: authority, version: '1.1', fields })
}

const finalHead = async (reader: Reader): Promise<ResponseHead> => {
  const decode = createResponseHeadDecoder()
  let head = await reader.read(decode)
  for (let i = 0; head.status < 200 && i < MAX_INTERIM; i++) head = await reader.read(decode)
  return head
}

const toldCode = (head: ResponseHead): NetErrorCode => {
  const [told = ''] = fieldValues(head, 'sluice-code')
  return TOLD_CODES.has(told) ? (told as NetErrorCode) : (BY_STATUS[head.status] ?? 'DIAL_FAILED')
}
