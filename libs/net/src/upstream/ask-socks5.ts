import {
  COMMAND,
  type Credentials,
  decodeMethod,
  decodeReply,
  decodeUserPassStatus,
  encodeGreeting,
  encodeRequest,
  encodeUserPass,
  METHOD,
  REPLY,
  USER_PASS_STATUS,
} from '@sluice/wire'
import type { NetErrorCode } from '../net-error.ts'
import { type Ask, type Question, toldBy, upstreamError } from './ask.ts'

/** What a reply other than success says of the target; all others: DIAL_FAILED. */
const BY_REPLY: Readonly<Record<number, NetErrorCode>> = {
  [REPLY.NOT_ALLOWED]: 'TARGET_DENIED',
  [REPLY.NETWORK_UNREACHABLE]: 'DIAL_UNREACHABLE_NETWORK',
  [REPLY.HOST_UNREACHABLE]: 'DIAL_UNREACHABLE_HOST',
  [REPLY.CONNECTION_REFUSED]: 'DIAL_REFUSED',
  [REPLY.TTL_EXPIRED]: 'DIAL_TIMEOUT',
  // Of the family that it does not know there is no network for it.
  [REPLY.ADDRESS_TYPE_NOT_SUPPORTED]: 'DIAL_UNREACHABLE_NETWORK',
}

/** SOCKS5 CONNECT (RFC 1928), with name and password where there are credentials (RFC 1929); names go as names. */
export const askSocks5: Ask = async (question) => {
  const { reader, hop, target } = question
  await signIn(question, hop.credentials)
  reader.conn.write(encodeRequest({ command: COMMAND.CONNECT, address: target }))
  question.onAsked()
  const { reply } = await reader.read(decodeReply)
  if (reply === REPLY.SUCCEEDED) return undefined
  if (reply === REPLY.COMMAND_NOT_SUPPORTED)
    throw upstreamError('UPSTREAM_FAILED', hop, 'does not know CONNECT')
  return toldBy(BY_REPLY[reply] ?? 'DIAL_FAILED', question, `reply ${reply}`)
}

const signIn = async ({ reader, hop }: Question, credentials: Credentials | undefined): Promise<void> => {
  const methods = credentials === undefined ? [METHOD.NONE] : [METHOD.NONE, METHOD.USER_PASS]
  reader.conn.write(encodeGreeting({ methods: Uint8Array.from(methods) }))
  const method = await reader.read(decodeMethod)
  if (method === METHOD.NONE) return
  if (method === METHOD.NO_ACCEPTABLE)
    throw upstreamError('UPSTREAM_AUTH', hop, 'takes none of the sign-in methods offered')
  if (method !== METHOD.USER_PASS || credentials === undefined)
    throw upstreamError('UPSTREAM_FAILED', hop, `wants method ${method}, which was not offered`)
  reader.conn.write(encodeUserPass(credentials))
  const status = await reader.read(decodeUserPassStatus)
  if (status !== USER_PASS_STATUS.SUCCESS)
    throw upstreamError('UPSTREAM_AUTH', hop, `refuses the credentials (status ${status})`)
}
