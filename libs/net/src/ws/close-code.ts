import { CLOSE_CODE } from './frame.ts'

/** The payload of a close frame. */
export const encodeCloseCode = (code: number): Uint8Array =>
  code === CLOSE_CODE.NONE || code === CLOSE_CODE.ABNORMAL
    ? new Uint8Array(0)
    : Uint8Array.of(code >> 8, code & 0xff)

/** The code in a close frame, 1005 where it has none; undefined for one that may not be sent (RFC 6455 §7.4). */
export const decodeCloseCode = (payload: Uint8Array): number | undefined => {
  if (payload.length === 0) return CLOSE_CODE.NONE
  const code = payload.length === 1 ? 0 : payload[0]! * 256 + payload[1]!
  const isDefined = (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014)
  return isDefined || (code >= 3000 && code <= 4999) ? code : undefined
}
