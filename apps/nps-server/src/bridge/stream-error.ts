import { NET_ERROR_CODES, NetError, type NetErrorCode } from '@sluice/net'
import { type ErrorCode, ServiceError } from '@sluice/service'
import { streamStatusName } from '@sluice/wire/bridge'

const OF_NET: ReadonlySet<string> = new Set(NET_ERROR_CODES)

/** What the other side has answered in the place of OK. */
export const streamError = (status: number): Error => {
  const name = streamStatusName(status) ?? 'DIAL_FAILED'
  const message = `the other side could not open the stream (${name}, ${status})`
  return OF_NET.has(name)
    ? new NetError(name as NetErrorCode, message)
    : new ServiceError(name as ErrorCode, message)
}
